//! Values at the edges of what the shared types can hold.

use contracts::types::{Address, Cursor, Line, PageRequest};
use contracts::{Currency, Money, OrderId, Sku, Timestamp};
use uuid::Uuid;

/// Everything that some encoding has to escape.
pub const TEXT: &str = "Größe \"L\" \\ 漢字 🚀\n\t\r\u{0}\u{7f} & = + % ; , / ? # <b> ' `{}[]";

/// The largest amount of money.
pub const RICHEST: Money = Money { amount: i64::MAX, currency: Currency::Usd };
/// The smallest.
pub const POOREST: Money = Money { amount: i64::MIN, currency: Currency::Gbp };

/// The last moment that RFC 3339 can write.
pub const LAST: Timestamp = Timestamp(253_402_300_799_999_999);
/// A moment before 1970 that is not a whole second.
pub const EARLY: Timestamp = Timestamp(-62_135_596_799_999_999);
/// A usual moment.
pub const NOW: Timestamp = Timestamp(1_760_000_000_123_456);

pub fn order_id() -> OrderId {
    OrderId(Uuid::from_u128(0x0190_a000_0000_7000_8000_0000_0000_0001))
}

/// The largest id.
pub fn last_order_id() -> OrderId {
    OrderId(Uuid::max())
}

/// A SKU that a path has to escape.
pub fn odd_sku() -> Sku {
    Sku(TEXT.into())
}

/// As many lines as an order may have.
pub fn fifty_lines() -> Vec<Line> {
    (0..50u32).map(|n| Line { sku: Sku(format!("SKU-{n:03}")), quantity: u32::MAX - n }).collect()
}

/// The first page of the usual size.
pub fn first_page() -> PageRequest {
    PageRequest::default()
}

/// A page far on.
pub fn later_page() -> PageRequest {
    PageRequest { cursor: Some(Cursor(TEXT.into()).encode()), limit: Some(u32::MAX) }
}

/// A page whose cursor is there, and empty.
pub fn blank_page() -> PageRequest {
    PageRequest { cursor: Some(String::new()), limit: Some(0) }
}

pub fn address() -> Address {
    Address {
        name: "Zoë O'Brien-Łukasz".into(),
        street: TEXT.into(),
        city: "東京".into(),
        postal_code: String::new(),
        country: "DE".into(),
    }
}
