//! What every module says it holds.

use std::collections::{BTreeMap, BTreeSet};

use contracts::inventory::{InventoryRecord, Reservation, StockAccount};
use contracts::orders::Order;
use contracts::payments::{AuditedPayment, Posting};
use contracts::shipping::Shipment;
use contracts::types::{Page, PageRequest};
use contracts::{Context, OrderId, PortResult};

use super::Ports;

/// The steps at which an order rests.
const RESTING: [&str; 4] = ["confirmed", "rejected", "cancelled", "refunded"];

/// The books of all modules.
#[derive(Debug, Clone, Default)]
pub struct Books {
    /// Every order, as it stood before the others' books were read.
    pub orders: BTreeMap<OrderId, Order>,
    /// Orders that were listed more than once.
    pub repeated: Vec<OrderId>,
    /// Orders under way before, or changed or new after the others' books were read: what the others
    /// say about them may be of another moment.
    pub in_flight: BTreeSet<OrderId>,
    /// Whether orders changed while the books were read.
    pub moved: bool,
    /// The inventory's accounts.
    pub accounts: Vec<StockAccount>,
    /// The inventory's claims.
    pub claims: BTreeMap<OrderId, Reservation>,
    /// The payments, beside the card network's record of each.
    pub payments: BTreeMap<OrderId, AuditedPayment>,
    /// The ledger.
    pub postings: Vec<Posting>,
    /// The shipments.
    pub shipments: BTreeMap<OrderId, Shipment>,
}

impl Books {
    /// Reads all books, those of orders first and once more at the end.
    pub async fn read(ports: &Ports, ctx: &Context) -> PortResult<Self> {
        let before = all(|page| ports.orders.audit(ctx, page)).await?;
        let mut books = Self::default();
        for record in all(|page| ports.inventory.audit(ctx, page)).await? {
            match record {
                InventoryRecord::Account(account) => books.accounts.push(account),
                InventoryRecord::Claim(claim) => drop(books.claims.insert(claim.order_id, claim)),
            }
        }
        let payments = all(|page| ports.payments.audit(ctx, page)).await?;
        books.payments = payments.into_iter().map(|entry| (entry.payment.order_id, entry)).collect();
        books.postings = all(|page| ports.payments.ledger(ctx, page)).await?;
        let shipments = all(|page| ports.shipping.audit(ctx, page)).await?;
        books.shipments = shipments.into_iter().map(|shipment| (shipment.order_id, shipment)).collect();
        let after = all(|page| ports.orders.audit(ctx, page)).await?;
        books.take_orders(before, after);
        Ok(books)
    }

    fn take_orders(&mut self, before: Vec<Order>, after: Vec<Order>) {
        let later: BTreeMap<OrderId, u64> = after.iter().map(|order| (order.id, order.version)).collect();
        for order in before {
            if !RESTING.contains(&order.step.as_str()) {
                self.in_flight.insert(order.id);
            }
            if later.get(&order.id).is_some_and(|version| *version != order.version) {
                self.moved = true;
                self.in_flight.insert(order.id);
            }
            let id = order.id;
            if self.orders.insert(id, order).is_some() {
                self.repeated.push(id);
            }
        }
        for order in after {
            if !self.orders.contains_key(&order.id) {
                self.moved = true;
                self.in_flight.insert(order.id);
            }
        }
    }

    /// Whether every order has come to rest.
    pub fn is_quiet(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// The orders that have come to rest.
    pub fn resting(&self) -> impl Iterator<Item = &Order> {
        self.orders.values().filter(|order| !self.in_flight.contains(&order.id))
    }
}

/// Every item of a listing, page by page.
async fn all<T, F, P>(page: F) -> PortResult<Vec<T>>
where
    F: Fn(PageRequest) -> P,
    P: Future<Output = PortResult<Page<T>>>,
{
    let mut items = Vec::new();
    let mut cursor = None;
    loop {
        let Page { items: more, next } = page(PageRequest::largest(cursor)).await?;
        items.extend(more);
        match next {
            Some(next) => cursor = Some(next),
            None => return Ok(items),
        }
    }
}
