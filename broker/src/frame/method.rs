//! What a method frame asks for. What comes with every message is decoded by hand, all else by amq-protocol.

use amq_protocol::protocol::{AMQPClass, constants::FRAME_METHOD, parse_class};

use crate::{
    error::Refusal,
    frame::{cursor::Cursor, refuse, table::check_table},
};

/// A method.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Method<'a> {
    /// `basic.publish`.
    Publish(Publish<'a>),
    /// `basic.ack`.
    Ack { tag: u64, multiple: bool },
    /// `basic.nack`.
    Nack { tag: u64, multiple: bool, requeue: bool },
    /// `basic.reject`.
    Reject { tag: u64, requeue: bool },
    /// Any other, a server's own methods included.
    Other(AMQPClass),
}

/// A message is about to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Publish<'a> {
    /// The exchange it goes to; empty for the default one.
    pub exchange: &'a str,
    /// Its routing key there.
    pub routing_key: &'a str,
    /// It comes back if no queue takes it.
    pub mandatory: bool,
    /// It comes back if no consumer takes it at once: RabbitMQ has long refused that.
    pub immediate: bool,
}

/// The payload of a method frame.
pub(crate) fn decode(payload: &[u8]) -> Result<Method<'_>, Refusal> {
    let mut cursor = Cursor::new(payload);
    let (Some(class), Some(method)) = (cursor.u16(), cursor.u16()) else {
        return Err(refuse::frame_error(FRAME_METHOD, payload, "unknown_frame"));
    };
    let fields = cursor.rest();
    let by_hand = match (class, method) {
        (60, 40) => publish(cursor),
        (60, 80) => acknowledgement(cursor, |tag, [multiple, _]| Method::Ack { tag, multiple }),
        (60, 90) => acknowledgement(cursor, |tag, [requeue, _]| Method::Reject { tag, requeue }),
        (60, 120) => {
            acknowledgement(cursor, |tag, [multiple, requeue]| Method::Nack { tag, multiple, requeue })
        }
        _ => return other(payload, class, method, fields),
    };
    by_hand.ok_or_else(|| refuse::malformed(fields))
}

fn publish(mut fields: Cursor<'_>) -> Option<Method<'_>> {
    let _ticket = fields.u16()?;
    let (exchange, routing_key) = (fields.short()?, fields.short()?);
    let [mandatory, immediate] = flags(fields.u8()?);
    fields.is_empty().then_some(Method::Publish(Publish { exchange, routing_key, mandatory, immediate }))
}

fn acknowledgement<'a>(
    mut fields: Cursor<'a>,
    method: impl FnOnce(u64, [bool; 2]) -> Method<'a>,
) -> Option<Method<'a>> {
    let (tag, flags) = (fields.u64()?, flags(fields.u8()?));
    fields.is_empty().then(|| method(tag, flags))
}

/// The first two flags of an octet; they are counted from its lowest bit.
fn flags(octet: u8) -> [bool; 2] {
    [octet & 1 != 0, octet & 2 != 0]
}

/// A method that amq-protocol decodes, after its table, if it has one, was found to be harmless.
fn other(payload: &[u8], class: u16, method: u16, fields: &[u8]) -> Result<Method<'static>, Refusal> {
    if let Some(before) = before_table(class, method) {
        check_table(skip(fields, before).ok_or_else(|| refuse::malformed(fields))?)?;
    }
    match parse_class(payload) {
        Ok(([], method)) => Ok(Method::Other(method)),
        _ if is_known(payload) => Err(refuse::malformed(fields)),
        _ => Err(Refusal::not_implemented(format_args!("unknown method {class}.{method}"))),
    }
}

/// Whether there is such a method: amq-protocol misses the fields of one that there is, and knows no other.
fn is_known(payload: &[u8]) -> bool {
    let ids = payload.get(..4).unwrap_or(payload);
    match parse_class(ids) {
        Ok(_) => true,
        Err(error) => error.is_incomplete(),
    }
}

/// What stands before a table.
enum Field {
    Octets(usize),
    Short,
}

/// The fields before the table of a method; nothing for a method without a table.
fn before_table(class: u16, method: u16) -> Option<&'static [Field]> {
    use Field::{Octets, Short};
    Some(match (class, method) {
        // connection.start, start-ok
        (10, 10) => &[Octets(2)],
        (10, 11) => &[],
        // exchange.declare, bind, unbind
        (40, 10) => &[Octets(2), Short, Short, Octets(1)],
        (40, 30 | 40) => &[Octets(2), Short, Short, Short, Octets(1)],
        // queue.declare, bind, unbind
        (50, 10) => &[Octets(2), Short, Octets(1)],
        (50, 20) => &[Octets(2), Short, Short, Short, Octets(1)],
        (50, 50) => &[Octets(2), Short, Short, Short],
        // basic.consume
        (60, 20) => &[Octets(2), Short, Short, Octets(1)],
        _ => return None,
    })
}

/// What comes after `fields`.
fn skip<'a>(octets: &'a [u8], fields: &[Field]) -> Option<&'a [u8]> {
    let mut cursor = Cursor::new(octets);
    for field in fields {
        match field {
            Field::Octets(count) => cursor.take(*count).map(|_| ())?,
            Field::Short => cursor.short().map(|_| ())?,
        }
    }
    Some(cursor.rest())
}

#[cfg(test)]
mod tests;
