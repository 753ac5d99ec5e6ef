//! Events of made-up orders.

use std::time::Duration;

use contracts::messages::{Event as _, Message, Origin};
use contracts::orders::{Coordination, Order, OrderEvent, OrderStatus, PricedLine};
use contracts::{Context, CustomerId, Money, OrderId, Sku, Timestamp};
use rand::seq::SliceRandom as _;
use rand::{Rng as _, rngs::SmallRng};
use uuid::Uuid;

pub fn order(id: u128, customer: &str, skus: &[&str], status: OrderStatus, version: u64) -> Order {
    let line = |sku: &&str| PricedLine {
        sku: Sku::from(*sku),
        name: "thing".into(),
        quantity: 1,
        unit_price: Money::eur(100),
        weight_grams: 10,
    };
    Order {
        id: OrderId(Uuid::from_u128(id)),
        customer_id: CustomerId(customer.into()),
        status,
        step: "confirmed".into(),
        coordination: Coordination::Sync,
        lines: skus.iter().map(line).collect(),
        shipping: Money::eur(0),
        total: Money::eur(100),
        reason: None,
        placed_at: Timestamp(0),
        updated_at: Timestamp(0),
        version,
    }
}

pub fn message(event: &OrderEvent) -> Message {
    let origin = Origin::of_call(&Context::background("test", Duration::from_secs(1)));
    event.fact(&origin, Timestamp(0)).message
}

pub fn placed(id: u128, customer: &str, skus: &[&str]) -> Message {
    let order = order(id, customer, skus, OrderStatus::Placed, 1);
    message(&OrderEvent::OrderPlaced { order, passed: None })
}

pub fn confirmed(id: u128, customer: &str, skus: &[&str]) -> Message {
    message(&OrderEvent::OrderConfirmed { order: order(id, customer, skus, OrderStatus::Confirmed, 6) })
}

pub fn refunded(id: u128, customer: &str, skus: &[&str]) -> Message {
    message(&OrderEvent::OrderRefunded { order: order(id, customer, skus, OrderStatus::Refunded, 9) })
}

const SKUS: [&str; 8] = ["A-1", "A-2", "B-1", "B-2", "C-1", "C-2", "D-1", "D-2"];
const CUSTOMERS: [&str; 4] = ["ada", "bob", "cyd", "dan"];

/// The events of `orders` orders from `first` on: not in their order, and some of them twice.
pub fn history(dice: &mut SmallRng, first: u128, orders: u128) -> Vec<Message> {
    let mut events = Vec::new();
    for id in first..first + orders {
        let customer = CUSTOMERS[dice.random_range(0..CUSTOMERS.len())];
        let skus: Vec<_> =
            (0..dice.random_range(1..6)).map(|_| SKUS[dice.random_range(0..SKUS.len())]).collect();
        events.push(placed(id, customer, &skus));
        events.push(confirmed(id, customer, &skus));
        if dice.random_bool(0.3) {
            events.push(refunded(id, customer, &skus));
        }
    }
    let again: Vec<_> = events.iter().filter(|_| dice.random_bool(0.2)).cloned().collect();
    events.extend(again);
    events.shuffle(dice);
    events
}
