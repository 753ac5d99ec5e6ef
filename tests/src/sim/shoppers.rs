//! Who orders, and what they are told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use contracts::orders::{CancelOrder, Order, Orders, PlaceOrder};
use contracts::payments::CardToken;
use contracts::types::{Address, Line};
use contracts::{Context, CustomerId, IdempotencyKey, OrderId, PortError, PortResult, Sku};
use parking_lot::Mutex;

use super::world::World;

/// The products of the simulated shop.
pub const PRODUCTS: [(&str, i64); 3] = [("PEN", 6), ("INK", 10), ("PAD", 1000)];

/// What shoppers were told.
#[derive(Default)]
pub struct Told {
    /// Every order that somebody was told of.
    pub orders: BTreeSet<OrderId>,
    /// The orders that each key led to: one each, or the key was worth nothing.
    pub by_key: BTreeMap<String, BTreeSet<OrderId>>,
    /// Orders that were reported as confirmed.
    pub confirmed: BTreeSet<OrderId>,
    /// Orders that were cancelled by whoever placed them.
    pub cancelled: BTreeSet<OrderId>,
}

/// The shop's door: the orders process of the moment.
pub type Door = Arc<Mutex<Option<Arc<dyn Orders>>>>;

/// One shopper: places an order, perhaps again under the same key, and perhaps cancels it.
pub async fn shop(number: u32, world: Arc<World>, door: Door, told: Arc<Mutex<Told>>) {
    world.delay(Duration::from_secs(20)).await;
    let key = format!("key-{number}");
    let request = request(number, &world);
    // nobody gives up after the first try
    for _ in 0..1 + world.pick(3) {
        let context =
            Context::background("gateway", Duration::from_millis(500 + u64::from(world.pick(9_500))))
                .with_key(IdempotencyKey::parse(&key).expect("a good key"));
        let Some(orders) = door.lock().clone() else {
            world.delay(Duration::from_secs(1)).await;
            continue;
        };
        let placing =
            tokio::time::timeout_at(context.deadline.instant(), orders.place(&context, request.clone()));
        let Ok(result) = placing.await else { continue };
        remember(&key, &result, &told);
        if let Ok(order) = result {
            if world.pick(3) == 0 {
                world.delay(Duration::from_secs(12)).await;
                cancel(order.id, &world, &door, &told).await;
            }
            return;
        }
    }
}

async fn cancel(order_id: OrderId, world: &World, door: &Door, told: &Mutex<Told>) {
    let Some(orders) = door.lock().clone() else { return };
    world.note(|| format!("the customer cancels {order_id}"));
    told.lock().cancelled.insert(order_id);
    let context = Context::background("gateway", Duration::from_secs(5));
    let request = CancelOrder { order_id };
    // what it says does not matter: the audit looks at what it did
    let _ = tokio::time::timeout_at(context.deadline.instant(), orders.cancel(&context, request)).await;
}

fn remember(key: &str, result: &PortResult<Order>, told: &Mutex<Told>) {
    let mut told = told.lock();
    let id = match result {
        Ok(order) => {
            told.confirmed.insert(order.id);
            Some(order.id)
        }
        Err(PortError::Problem(problem)) => problem
            .resource
            .as_deref()
            .and_then(|path| path.strip_prefix("/orders/"))
            .and_then(|id| OrderId::parse("id", id).ok()),
        Err(PortError::Remote(_)) => None,
    };
    if let Some(id) = id {
        told.orders.insert(id);
        told.by_key.entry(key.to_owned()).or_default().insert(id);
    }
}

fn request(number: u32, world: &World) -> PlaceOrder {
    let wanted = 1 + world.pick(2) as usize;
    let first = world.pick(PRODUCTS.len() as u32) as usize;
    let lines = (0..wanted).map(|next| Line {
        sku: Sku::from(PRODUCTS[(first + next) % PRODUCTS.len()].0),
        quantity: 1 + world.pick(3),
    });
    let card = if world.pick(6) == 0 { "tok_decline" } else { "tok_approve" };
    let country = if world.pick(10) == 0 { "AQ" } else { "DE" };
    PlaceOrder {
        customer_id: CustomerId(format!("customer-{number}")),
        lines: lines.collect(),
        card: CardToken(card.into()),
        address: Address {
            name: "A. Shopper".into(),
            street: "Road 1".into(),
            city: "Town".into(),
            postal_code: "12345".into(),
            country: country.into(),
        },
    }
}
