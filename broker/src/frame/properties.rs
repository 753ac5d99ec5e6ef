//! The properties of a message as they stand on the wire: flags, which say what there is, and a list of it.

use std::ops::Range;

#[cfg(test)]
use amq_protocol::protocol::basic::{AMQPProperties, gen_properties, parse_properties};
use amq_protocol::types::{
    AMQPValue, FieldTable,
    generation::{gen_field_table, gen_short_string, gen_value},
    parsing::parse_field_table,
};
use bytes::{BufMut, Bytes};

use crate::{
    error::Refusal,
    frame::{
        cursor::Cursor,
        generate::generated,
        refuse,
        table::{check_table, entries},
        write::short,
    },
};

/// The properties of class basic, in the order of flags and list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Property {
    ContentType,
    ContentEncoding,
    Headers,
    DeliveryMode,
    Priority,
    CorrelationId,
    ReplyTo,
    Expiration,
    MessageId,
    Timestamp,
    Type,
    UserId,
    AppId,
    ClusterId,
}

impl Property {
    const IN_ORDER: [Self; 14] = [
        Self::ContentType,
        Self::ContentEncoding,
        Self::Headers,
        Self::DeliveryMode,
        Self::Priority,
        Self::CorrelationId,
        Self::ReplyTo,
        Self::Expiration,
        Self::MessageId,
        Self::Timestamp,
        Self::Type,
        Self::UserId,
        Self::AppId,
        Self::ClusterId,
    ];

    /// Its bit among the flags: the first has the highest.
    fn flag(self) -> u16 {
        0x8000 >> self as u32
    }

    /// Takes its value from the list, as far as its length goes.
    fn take<'a>(self, list: &mut Cursor<'a>) -> Option<&'a [u8]> {
        let from = *list;
        match self {
            Self::DeliveryMode | Self::Priority => list.take(1)?,
            Self::Timestamp => list.take(8)?,
            Self::Headers => list.long()?,
            _ => {
                let length = list.u8()?;
                list.take(usize::from(length))?
            }
        };
        from.rest().get(..from.rest().len() - list.rest().len())
    }

    /// Whether its value, with its length, is what it should be.
    fn check(self, value: &[u8]) -> Result<(), Refusal> {
        match self {
            Self::DeliveryMode | Self::Priority | Self::Timestamp => Ok(()),
            Self::Headers => check_table(value).map(|_| ()),
            _ => Cursor::new(value).short().map(|_| ()).ok_or_else(|| refuse::malformed(value)),
        }
    }
}

/// The flags that are there, and the octets of each one's value, as far as they make sense.
fn present(raw: &[u8]) -> impl Iterator<Item = (Property, Range<usize>)> {
    let mut list = Cursor::new(raw);
    let mut flags = list.u16().unwrap_or_default();
    std::iter::from_fn(move || {
        let property = *Property::IN_ORDER.get(flags.leading_zeros() as usize)?;
        flags &= !property.flag();
        let start = raw.len() - list.rest().len();
        let value = property.take(&mut list)?;
        Some((property, start..start + value.len()))
    })
}

/// Whether raw properties are well formed, to the last octet: what passes is decoded by [`decode`].
pub(crate) fn check(raw: &[u8]) -> Result<(), Refusal> {
    let malformed = || refuse::malformed(raw);
    let mut list = Cursor::new(raw);
    let mut flags = list.u16().ok_or_else(malformed)?;
    for property in Property::IN_ORDER {
        if flags & property.flag() != 0 {
            property.check(property.take(&mut list).ok_or_else(malformed)?)?;
            flags &= !property.flag();
        }
    }
    // the two flags that are left stand for properties that nobody has defined
    if flags == 0 && list.is_empty() { Ok(()) } else { Err(malformed()) }
}

/// The properties that a broker acts on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Peek<'a> {
    /// 2 for a message that is to survive.
    pub delivery_mode: Option<u8>,
    /// Its rank among others.
    pub priority: Option<u8>,
    /// After how many milliseconds nobody wants it any more: digits, if the publisher knows what it does.
    pub expiration: Option<&'a str>,
    /// Where its publisher awaits a reply.
    pub reply_to: Option<&'a str>,
    /// Who its publisher says it is.
    pub user_id: Option<&'a str>,
    /// Where among the raw properties the table of headers stands, its length included.
    pub headers: Option<Range<usize>>,
}

/// Looks at the properties that a broker acts on.
pub(crate) fn peek(raw: &[u8]) -> Peek<'_> {
    let mut seen = Peek::default();
    for (property, place) in present(raw) {
        let mut value = Cursor::new(raw.get(place.clone()).unwrap_or_default());
        match property {
            Property::DeliveryMode => seen.delivery_mode = value.u8(),
            Property::Priority => seen.priority = value.u8(),
            Property::Expiration => seen.expiration = value.short(),
            Property::ReplyTo => seen.reply_to = value.short(),
            Property::UserId => seen.user_id = value.short(),
            Property::Headers => seen.headers = Some(place),
            _ => (),
        }
    }
    seen
}

/// All of them; nothing where `raw` is none.
#[cfg(test)]
pub(crate) fn decode(raw: &[u8]) -> Option<AMQPProperties> {
    check(raw).ok()?;
    parse_properties(raw).ok().map(|(_, properties)| properties)
}

/// As they stand on the wire.
#[cfg(test)]
pub(crate) fn encode(properties: &AMQPProperties) -> Bytes {
    generated(gen_properties(properties)).into()
}

/// The headers; an empty table where there are none.
pub(crate) fn headers(raw: &[u8]) -> FieldTable {
    let table = header_table(raw);
    let decoded = check_table(table).ok().and_then(|_| parse_field_table(table).ok());
    decoded.map(|(_, headers)| headers).unwrap_or_default()
}

/// The header by which RabbitMQ sends copies of a message elsewhere, if there is one: `CC` or `BCC`.
pub(crate) fn carbon_copies(raw: &[u8]) -> Option<&str> {
    entries(header_table(raw)).map(|(key, _)| key).find(|key| matches!(*key, "CC" | "BCC"))
}

/// The same with another `reply_to`.
pub(crate) fn with_reply_to(raw: &[u8], reply_to: &str) -> Bytes {
    replaced(raw, Property::ReplyTo, Some(&generated(gen_short_string(short(reply_to)))))
}

/// The same with one header set, in the place of one of that name. There is no short string in a table, so
/// `value` is none and has none in it.
pub(crate) fn with_header(raw: &[u8], key: &str, value: &AMQPValue) -> Bytes {
    let key = short(key);
    let mut table = vec![0; 4];
    for (_, entry) in entries(header_table(raw)).filter(|(other, _)| *other != key) {
        table.extend_from_slice(entry);
    }
    table.extend(generated(gen_short_string(key)));
    table.extend(generated(gen_value(value)));
    // a table comes from a frame, and what a broker adds is small
    let length = u32::try_from(table.len() - 4).unwrap_or(u32::MAX);
    table[..4].copy_from_slice(&length.to_be_bytes());
    debug_assert!(check_table(&table).is_ok() || check(raw).is_err(), "no header: {value:?}");
    replaced(raw, Property::Headers, Some(&table))
}

/// The same with other headers.
pub(crate) fn with_headers(raw: &[u8], headers: &FieldTable) -> Bytes {
    replaced(raw, Property::Headers, Some(&generated(gen_field_table(headers))))
}

/// The same without `expiration`: a message that expired once, and is a dead letter now, stays.
pub(crate) fn without_expiration(raw: &[u8]) -> Bytes {
    replaced(raw, Property::Expiration, None)
}

fn header_table(raw: &[u8]) -> &[u8] {
    peek(raw).headers.and_then(|place| raw.get(place)).unwrap_or_default()
}

/// The same with another value for a property, or without it. `value` is what stands in the list.
fn replaced(raw: &[u8], property: Property, value: Option<&[u8]>) -> Bytes {
    let flags = Cursor::new(raw).u16().unwrap_or_default();
    let place = match present(raw).find(|(other, _)| *other >= property) {
        Some((other, place)) if other == property => place,
        Some((_, later)) => later.start..later.start,
        None => raw.len()..raw.len(),
    };
    let (before, after) = (raw.get(2..place.start).unwrap_or_default(), &raw[place.end..]);
    let mut edited = Vec::with_capacity(2 + before.len() + value.map_or(0, <[u8]>::len) + after.len());
    edited.put_u16(if value.is_some() { flags | property.flag() } else { flags & !property.flag() });
    edited.extend_from_slice(before);
    edited.extend_from_slice(value.unwrap_or_default());
    edited.extend_from_slice(after);
    edited.into()
}

#[cfg(test)]
mod tests;
