//! Between rows and what they stand for.

use chassis::store::StoreError;
use contracts::orders::{Direction, TimelineEntry};
use contracts::payments::CardToken;
use contracts::{Currency, CustomerId, Money, OrderId, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{KnownKey, Lease, StoredOrder};

/// An order out of its row.
pub(super) fn order(row: &AnyRow) -> Result<StoredOrder, StoreError> {
    let currency: String = row.try_get("currency")?;
    let currency = Currency::parse(&currency).ok_or_else(|| StoreError::corrupt("currency", &currency))?;
    let reason: Option<String> = row.try_get("reason")?;
    Ok(StoredOrder {
        id: id(row.try_get("id")?)?,
        customer_id: CustomerId(row.try_get("customer_id")?),
        state: json("state", row.try_get("state")?)?,
        early: json("early", row.try_get("early")?)?,
        coordination: word("coordination", row.try_get("coordination")?)?,
        lines: json("lines", row.try_get("lines")?)?,
        card: CardToken(row.try_get("card")?),
        address: json("address", row.try_get("address")?)?,
        shipping: Money { amount: row.try_get("shipping")?, currency },
        total: Money { amount: row.try_get("total")?, currency },
        reason: reason.map(|text| json("reason", text)).transpose()?,
        placed_at: Timestamp(row.try_get("placed_at")?),
        updated_at: Timestamp(row.try_get("updated_at")?),
        version: version(row.try_get("version")?)?,
    })
}

/// Who holds the lease of the order in its row.
pub(super) fn lease(row: &AnyRow) -> Result<Lease, StoreError> {
    Ok(Lease { owner: row.try_get("lease_owner")?, until: Timestamp(row.try_get("lease_until")?) })
}

pub(super) fn timeline_entry(row: &AnyRow) -> Result<TimelineEntry, StoreError> {
    Ok(TimelineEntry {
        version: version(row.try_get("version")?)?,
        at: Timestamp(row.try_get("at")?),
        from: row.try_get("from_state")?,
        to: row.try_get("to_state")?,
        cause: row.try_get("cause")?,
        detail: row.try_get("detail")?,
        direction: word::<Direction>("direction", row.try_get("direction")?)?,
        trace_id: row.try_get("trace_id")?,
    })
}

pub(super) fn known_key(row: &AnyRow) -> Result<KnownKey, StoreError> {
    Ok(KnownKey {
        fingerprint: row.try_get("fingerprint")?,
        order_id: id(row.try_get("order_id")?)?,
        answer: row.try_get("answer")?,
    })
}

pub(super) fn id(text: String) -> Result<OrderId, StoreError> {
    OrderId::parse("id", &text).map_err(|_| StoreError::corrupt("id", text))
}

fn version(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::corrupt("version", number))
}

fn json<T: DeserializeOwned>(column: &str, text: String) -> Result<T, StoreError> {
    serde_json::from_str(&text).map_err(|_| StoreError::corrupt(column, text))
}

/// An enum that serialises to a word, stored without the quotes of JSON.
fn word<T: DeserializeOwned>(column: &str, text: String) -> Result<T, StoreError> {
    serde_json::from_value(serde_json::Value::String(text.clone()))
        .map_err(|_| StoreError::corrupt(column, text))
}

pub(super) fn to_json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(error.to_string()))
}

pub(super) fn to_word<T: Serialize>(value: &T) -> Result<String, StoreError> {
    Ok(to_json(value)?.trim_matches('"').to_owned())
}
