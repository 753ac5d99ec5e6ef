//! Rows as SQL has them, and the plain types that they stand for.

use chassis::messaging::participant::books;
use chassis::store::StoreError;
use contracts::inventory::{Reservation, ReservationStatus, StockAccount, StockLevel};
use contracts::messages::Origin;
use contracts::{OrderId, Sku, Timestamp};
use uuid::Uuid;

/// `sku, available, reserved, version`
pub(super) type LevelRow = (String, i64, i64, i64);

/// `order_id, status, lines, expires_at`
pub(super) type ClaimRow = (String, String, String, i64);

/// `order_id, status, lines, expires_at, origin`
pub(super) type KeptClaimRow = (String, String, String, i64, Option<String>);

/// A claim, and under what circumstances its order was first touched.
pub(super) struct KeptClaim {
    pub claim: Reservation,
    pub origin: Option<Origin>,
}

/// `sku, initial, available, reserved, sold`
pub(super) type AccountRow = (String, i64, i64, i64, i64);

pub(super) fn level((sku, available, reserved, version): LevelRow) -> Result<StockLevel, StoreError> {
    Ok(StockLevel {
        sku: Sku(sku),
        available: count("available", available)?,
        reserved: count("reserved", reserved)?,
        version: u64::try_from(version).map_err(|_| StoreError::corrupt("version", version))?,
    })
}

pub(super) fn claim((order, status, lines, expires_at): ClaimRow) -> Result<Reservation, StoreError> {
    Ok(Reservation {
        order_id: order_id(&order)?,
        status: status_of(&status)?,
        lines: serde_json::from_str(&lines).map_err(|_| StoreError::corrupt("lines", &lines))?,
        expires_at: Timestamp(expires_at),
    })
}

pub(super) fn kept_claim(
    (order, status, lines, expires_at, origin): KeptClaimRow,
) -> Result<KeptClaim, StoreError> {
    Ok(KeptClaim { claim: claim((order, status, lines, expires_at))?, origin: books::origin_in(origin)? })
}

pub(super) fn account((sku, initial, available, reserved, sold): AccountRow) -> StockAccount {
    StockAccount { sku: Sku(sku), initial, available, reserved, sold }
}

pub(super) fn order_id(text: &str) -> Result<OrderId, StoreError> {
    Uuid::try_parse(text).map(OrderId).map_err(|_| StoreError::corrupt("order_id", text))
}

pub(super) fn count(column: &str, value: i64) -> Result<u32, StoreError> {
    u32::try_from(value).map_err(|_| StoreError::corrupt(column, value))
}

pub(super) fn status_text(status: ReservationStatus) -> &'static str {
    match status {
        ReservationStatus::Reserved => "reserved",
        ReservationStatus::Committed => "committed",
        ReservationStatus::Released => "released",
        ReservationStatus::Expired => "expired",
    }
}

fn status_of(text: &str) -> Result<ReservationStatus, StoreError> {
    use ReservationStatus::{Committed, Expired, Released, Reserved};
    [Reserved, Committed, Released, Expired]
        .into_iter()
        .find(|status| status_text(*status) == text)
        .ok_or_else(|| StoreError::corrupt("status", text))
}
