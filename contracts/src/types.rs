//! Money, ids, time and pages: the words that every port shares.

mod address;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

pub use address::{Address, check_country};

use crate::error::{Code, Problem};

/// A currency of the shop (ISO 4217); every one of them has two decimal places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Currency {
    /// Euro, in cents.
    Eur,
    /// US dollar, in cents.
    Usd,
    /// Pound sterling, in pence.
    Gbp,
}

impl Currency {
    /// The three letters.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eur => "EUR",
            Self::Usd => "USD",
            Self::Gbp => "GBP",
        }
    }

    /// The currency that three letters stand for.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Eur, Self::Usd, Self::Gbp].into_iter().find(|c| c.as_str() == text)
    }
}

/// An amount of money: integer minor units, never a float.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Money {
    /// Minor units (cents); 1999 is 19.99.
    pub amount: i64,
    /// Of which currency.
    pub currency: Currency,
}

impl Money {
    /// `amount` cents of a euro.
    pub const fn eur(amount: i64) -> Self {
        Self { amount, currency: Currency::Eur }
    }

    /// Nothing, in `currency`.
    pub const fn zero(currency: Currency) -> Self {
        Self { amount: 0, currency }
    }

    /// `count` times this; `None` where it is more than can be counted.
    pub fn times(self, count: u32) -> Option<Self> {
        Some(Self { amount: self.amount.checked_mul(i64::from(count))?, ..self })
    }

    /// The sum; `None` where the currencies differ or it is more than can be counted.
    pub fn plus(self, other: Self) -> Option<Self> {
        (self.currency == other.currency)
            .then(|| self.amount.checked_add(other.amount))
            .flatten()
            .map(|amount| Self { amount, ..self })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.amount < 0 { "-" } else { "" };
        let cents = self.amount.unsigned_abs();
        write!(f, "{sign}{}.{:02} {}", cents / 100, cents % 100, self.currency.as_str())
    }
}

/// Names an order, in every service: UUIDv7, so that ids sort by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct OrderId(pub Uuid);

impl OrderId {
    /// The id in `text`, or the problem with `field`.
    pub fn parse(field: &str, text: &str) -> Result<Self, Problem> {
        Uuid::try_parse(text)
            .map(Self)
            .map_err(|_| Problem::invalid_field(field, format!("is not a UUID: {text:?}")))
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// Why something was refused, in words that are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// The text of a [`crate::Code`].
    pub code: String,
    /// For people.
    pub detail: String,
}

/// Names a customer: 1 to 64 characters of `A-Z a-z 0-9 . _ -`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct CustomerId(pub String);

impl CustomerId {
    /// Whether it is well-formed; services check, so that every wire gives the same answer.
    pub fn is_valid(&self) -> bool {
        is_name(&self.0, 64)
    }
}

impl fmt::Display for CustomerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names a product (stock keeping unit): 1 to 32 characters of `A-Z a-z 0-9 . _ -`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Sku(pub String);

impl Sku {
    /// Whether it is well-formed; services check, so that every wire gives the same answer.
    pub fn is_valid(&self) -> bool {
        is_name(&self.0, 32)
    }
}

impl fmt::Display for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for Sku {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

fn is_name(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// A moment in UTC: microseconds since 1970; RFC 3339 in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This moment by the wall clock. Business code asks its `Clock` instead.
    pub fn now() -> Self {
        Self((OffsetDateTime::now_utc().unix_timestamp_nanos() / 1000) as i64)
    }

    /// The moment `duration` later.
    pub fn plus(self, duration: std::time::Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// The moment `duration` earlier.
    pub fn minus(self, duration: std::time::Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Reads RFC 3339.
    pub fn parse(text: &str) -> Option<Self> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        i64::try_from(moment.unix_timestamp_nanos() / 1000).ok().map(Self)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1000)
            .ok()
            .and_then(|moment| moment.format(&Rfc3339).ok());
        f.write_str(text.as_deref().unwrap_or("out of range"))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("not an RFC 3339 time: {text:?}")))
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// Where the next page of a listing starts: opaque to clients, the last key of the page before to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub String);

impl Cursor {
    /// The text a client gets: `c1-`, the key in hexadecimal, and a check byte that finds typing errors.
    pub fn encode(&self) -> String {
        let mut text = String::with_capacity(self.0.len() * 2 + 5);
        text.push_str("c1-");
        for byte in self.0.bytes().chain([check_byte(&self.0)]) {
            text.push_str(&format!("{byte:02x}"));
        }
        text
    }

    /// The key in a text that [`Cursor::encode`] made.
    pub fn decode(text: &str) -> Result<Self, Problem> {
        decode_cursor(text).map(Self).ok_or_else(|| {
            Problem::new(
                Code::InvalidCursor,
                format!("cursor {text:?} was not given out by this service; take `next` from the page before, or leave it out"),
            )
        })
    }
}

fn check_byte(key: &str) -> u8 {
    key.bytes().fold(0x5a, |sum, byte| sum.rotate_left(3) ^ byte)
}

fn decode_cursor(text: &str) -> Option<String> {
    let digits = text.strip_prefix("c1-").filter(|d| d.len() <= 1024 && d.len() % 2 == 0 && d.is_ascii())?;
    let mut bytes = (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok())
        .collect::<Option<Vec<u8>>>()?;
    let check = bytes.pop()?;
    // no key of ours has a control character, and PostgreSQL takes no NUL
    String::from_utf8(bytes).ok().filter(|key| check_byte(key) == check && !key.contains(char::is_control))
}

/// Which part of a listing is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PageRequest {
    /// `next` of the page before; nothing for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// How many at the most: 1 to 200, 50 when not said.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "number_or_text")]
    pub limit: Option<u32>,
}

/// Reads a number that stands as a number (JSON) or as text (a query string, through `flatten`).
fn number_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum NumberOrText {
        Number(u32),
        Text(String),
    }
    match Option::<NumberOrText>::deserialize(deserializer)? {
        None => Ok(None),
        Some(NumberOrText::Number(number)) => Ok(Some(number)),
        Some(NumberOrText::Text(text)) => text
            .parse()
            .map(Some)
            .map_err(|_| serde::de::Error::custom(format!("limit is not a number: {text:?}"))),
    }
}

impl PageRequest {
    /// Most items a page may have.
    pub const MOST: u32 = 200;
    /// Items on a page when the request does not say.
    pub const USUAL: u32 = 50;

    /// The page after `cursor`, as large as may be.
    pub fn largest(cursor: Option<String>) -> Self {
        Self { cursor, limit: Some(Self::MOST) }
    }

    /// The key to start after (empty for the first page) and the number of items, or what is wrong.
    pub fn resolve(&self) -> Result<(String, u32), Problem> {
        let limit = self.limit.unwrap_or(Self::USUAL);
        if !(1..=Self::MOST).contains(&limit) {
            return Err(Problem::invalid_field("limit", format!("must be 1 to {}, not {limit}", Self::MOST)));
        }
        let after = self.cursor.as_deref().map(Cursor::decode).transpose()?;
        Ok((after.map_or_else(String::new, |cursor| cursor.0), limit))
    }
}

/// One page of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Page<T> {
    /// The items, in the listing's order.
    pub items: Vec<T>,
    /// The cursor of the page after this; nothing at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// A page from a query that asked for one item more than `limit`: the extra one only shows that
    /// there is more. `key` gives the key of an item.
    pub fn from_overfull(mut items: Vec<T>, limit: u32, key: impl Fn(&T) -> String) -> Self {
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next = if more { items.last().map(|last| Cursor(key(last)).encode()) } else { None };
        Self { items, next }
    }
}

/// One product and how many of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// The product.
    pub sku: Sku,
    /// How many, 1 to 1,000.
    pub quantity: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_reads_like_money() {
        assert_eq!(Money::eur(1999).to_string(), "19.99 EUR");
        assert_eq!(Money::eur(-5).to_string(), "-0.05 EUR");
    }

    #[test]
    fn money_refuses_to_overflow_or_to_mix() {
        assert_eq!(Money::eur(i64::MAX).times(2), None);
        assert_eq!(Money::eur(1).plus(Money { amount: 1, currency: Currency::Usd }), None);
    }

    #[test]
    fn a_changed_cursor_is_refused() {
        let cursor = Cursor("SKU-17".into()).encode();
        assert_eq!(Cursor::decode(&cursor).expect("ours").0, "SKU-17");
        for bad in ["", "c1-", "c1-zz", "nonsense", &cursor[..cursor.len() - 1], &cursor.replace("53", "54")]
        {
            assert_eq!(Cursor::decode(bad).expect_err("not ours").code, Code::InvalidCursor, "{bad}");
        }
    }

    #[test]
    fn a_cursor_to_a_key_that_no_listing_has_is_refused() {
        // the first was a 500 on PostgreSQL
        assert_eq!(Cursor("\0".into()).encode(), "c1-00d2");
        for key in ["\0", "SKU-17\0", "SKU\n17", "\u{7f}", "\u{85}"] {
            let text = Cursor(key.into()).encode();
            assert_eq!(Cursor::decode(&text).expect_err("not ours").code, Code::InvalidCursor, "{key:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn cursors_survive_the_round_trip(key in r"\PC{0,60}") {
            proptest::prop_assert_eq!(Cursor::decode(&Cursor(key.clone()).encode()).expect("ours").0, key);
        }

        #[test]
        fn timestamps_survive_json(micros in 0i64..4_000_000_000_000_000) {
            let text = serde_json::to_string(&Timestamp(micros)).expect("serialises");
            proptest::prop_assert_eq!(serde_json::from_str::<Timestamp>(&text).expect("reads"), Timestamp(micros));
        }
    }
}
