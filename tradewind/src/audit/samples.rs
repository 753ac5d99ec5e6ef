//! Orders for the audit's own tests.

use contracts::orders::{Coordination, Order, OrderStatus, PricedLine};
use contracts::{CustomerId, Money, OrderId, Timestamp};

/// What each of them costs, in cents.
pub const PRICE: i64 = 1_999;
/// When everything happened.
pub const THEN: Timestamp = Timestamp(0);

/// An order of two of `A-1` that has come to `step`, in its sixth version.
pub fn order(id: OrderId, step: &str) -> Order {
    let status = match step {
        "confirmed" => OrderStatus::Confirmed,
        "rejected" => OrderStatus::Rejected,
        "cancelled" => OrderStatus::Cancelled,
        "refunded" => OrderStatus::Refunded,
        _ => OrderStatus::Placed,
    };
    let line = PricedLine {
        sku: "A-1".into(),
        name: "a thing".into(),
        quantity: 2,
        unit_price: Money::eur(900),
        weight_grams: 100,
    };
    Order {
        id,
        customer_id: CustomerId("ada".into()),
        status,
        step: step.into(),
        coordination: Coordination::Sync,
        lines: vec![line],
        shipping: Money::eur(199),
        total: Money::eur(PRICE),
        reason: None,
        placed_at: THEN,
        updated_at: THEN,
        version: 6,
    }
}
