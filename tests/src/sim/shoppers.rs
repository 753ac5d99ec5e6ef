//! Who orders, and what they are told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use contracts::orders::{CancelOrder, Coordination, GetOrder, Order, OrderStatus, Orders, PlaceOrder};
use contracts::payments::CardToken;
use contracts::types::{Address, Line};
use contracts::{Context, CustomerId, IdempotencyKey, OrderId, PortError, PortResult, Sku};
use parking_lot::Mutex;

use super::world::World;

/// The products of the simulated shop.
pub const PRODUCTS: [(&str, i64); 3] = [("PEN", 4), ("INK", 6), ("PAD", 1000)];

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

/// One shopper, on the way into the shop.
pub struct Shopper {
    /// Tells them apart.
    pub number: u32,
    /// Who is to drive their order; any where it does not say.
    pub coordination: Option<Coordination>,
    /// The world they live in.
    pub world: Arc<World>,
    /// Where they go in.
    pub door: Door,
    /// Where they write down what they were told.
    pub told: Arc<Mutex<Told>>,
}

impl Shopper {
    /// Places an order, perhaps again under the same key, and perhaps cancels it.
    pub async fn shop(self) {
        self.world.delay(Duration::from_secs(20)).await;
        let request = self.request();
        // nobody gives up after the first try
        for _ in 0..1 + self.world.pick(3) {
            let Some(order) = self.place(&request).await else { continue };
            let order = self.see(order).await;
            if self.world.pick(4) == 0 {
                // has forgotten about it
                self.place(&request).await;
            }
            if order.status == OrderStatus::Confirmed && self.world.pick(3) == 0 {
                self.world.delay(Duration::from_secs(12)).await;
                self.cancel(order.id).await;
            }
            return;
        }
    }

    async fn place(&self, request: &PlaceOrder) -> Option<Order> {
        let key = format!("key-{}", self.number);
        let patience = Duration::from_millis(500 + u64::from(self.world.pick(9_500)));
        let context = Context::background("gateway", patience)
            .with_key(IdempotencyKey::parse(&key).expect("a good key"));
        let Some(orders) = self.door.lock().clone() else {
            self.world.delay(Duration::from_secs(1)).await;
            return None;
        };
        let placing = orders.place(&context, request.clone());
        let result = tokio::time::timeout_at(context.deadline.instant(), placing).await.ok()?;
        self.remember(&key, &result);
        result.ok()
    }

    /// Looks at an order until it rests, or it takes too long.
    async fn see(&self, mut order: Order) -> Order {
        for _ in 0..15 {
            if order.rests() {
                break;
            }
            self.world.delay(Duration::from_secs(3)).await;
            let Some(orders) = self.door.lock().clone() else { continue };
            let context = Context::background("gateway", Duration::from_secs(1));
            let looking = orders.order(&context, GetOrder { order_id: order.id });
            if let Ok(Ok(seen)) = tokio::time::timeout_at(context.deadline.instant(), looking).await {
                order = seen;
            }
        }
        self.note_confirmed(&order);
        order
    }

    async fn cancel(&self, order_id: OrderId) {
        let Some(orders) = self.door.lock().clone() else { return };
        self.world.note(|| format!("the customer cancels {order_id}"));
        self.told.lock().cancelled.insert(order_id);
        let context = Context::background("gateway", Duration::from_secs(5));
        let request = CancelOrder { order_id };
        // what it says does not matter: the audit looks at what it did
        let _ = tokio::time::timeout_at(context.deadline.instant(), orders.cancel(&context, request)).await;
    }

    fn remember(&self, key: &str, result: &PortResult<Order>) {
        let id = match result {
            Ok(order) => {
                self.note_confirmed(order);
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
            let mut told = self.told.lock();
            told.orders.insert(id);
            told.by_key.entry(key.to_owned()).or_default().insert(id);
        }
    }

    fn note_confirmed(&self, order: &Order) {
        if order.status == OrderStatus::Confirmed {
            self.told.lock().confirmed.insert(order.id);
        }
    }

    fn request(&self) -> PlaceOrder {
        let any = Coordination::ALL[self.world.pick(Coordination::ALL.len() as u32) as usize];
        let waits = [None, Some(0), Some(1_000), Some(8_000)];
        let wait_ms = waits[self.world.pick(waits.len() as u32) as usize];
        request(self.number, &self.world, self.coordination.unwrap_or(any), wait_ms)
    }
}

fn request(number: u32, world: &World, coordination: Coordination, wait_ms: Option<u32>) -> PlaceOrder {
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
        coordination: Some(coordination),
        wait_ms,
    }
}
