//! What every module says it holds.

use std::collections::{BTreeMap, BTreeSet};

use contracts::inventory::{InventoryRecord, Reservation, StockAccount};
use contracts::orders::Order;
use contracts::payments::{AuditedPayment, Posting};
use contracts::shipping::Shipment;
use contracts::types::{Page, PageRequest};
use contracts::{Context, OrderId, PortResult};

use super::Ports;

/// The books of all modules.
#[derive(Debug, Clone, Default)]
pub struct Books {
    /// Every order, as it stood before the others' books were read.
    pub orders: BTreeMap<OrderId, Order>,
    /// Orders that were listed more than once.
    pub repeated: Vec<OrderId>,
    /// Orders that were there earlier and are not there any more.
    pub vanished: BTreeSet<OrderId>,
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
            if !order.rests() {
                self.in_flight.insert(order.id);
            }
            match later.get(&order.id) {
                Some(version) if *version == order.version => {}
                Some(_) => {
                    self.moved = true;
                    self.in_flight.insert(order.id);
                }
                None => self.vanished.extend([order.id]),
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

    /// Notes which of the orders `seen` in earlier books are missing in these, and adds these to them.
    pub fn compare(&mut self, seen: &mut BTreeSet<OrderId>) {
        let missing = |id: &OrderId| !self.orders.contains_key(id) && !self.in_flight.contains(id);
        let missing: Vec<OrderId> = seen.iter().copied().filter(missing).collect();
        self.vanished.extend(missing);
        seen.extend(self.orders.keys().chain(&self.in_flight));
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
pub(crate) async fn all<T, F, P>(page: F) -> PortResult<Vec<T>>
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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::samples;
    use super::*;

    fn order(id: u128, step: &str, version: u64) -> Order {
        Order { version, ..samples::order(OrderId(Uuid::from_u128(id)), step) }
    }

    fn read(before: Vec<Order>, after: Vec<Order>) -> Books {
        let mut books = Books::default();
        books.take_orders(before, after);
        books
    }

    fn ids(ids: impl IntoIterator<Item = u128>) -> BTreeSet<OrderId> {
        ids.into_iter().map(|id| OrderId(Uuid::from_u128(id))).collect()
    }

    #[test]
    fn what_moves_while_the_books_are_read_is_in_flight() {
        let [rests, moves, comes] =
            [order(1, "confirmed", 6), order(2, "confirmed", 6), order(3, "reserving", 1)];
        let books = read(vec![rests.clone(), moves], vec![rests, order(2, "cancelling", 7), comes]);
        assert_eq!(books.in_flight, ids([2, 3]));
        assert!(books.moved && !books.is_quiet() && books.vanished.is_empty());
        assert!(read(vec![order(1, "rejected", 2)], vec![order(1, "rejected", 2)]).is_quiet());
    }

    #[test]
    fn an_order_that_is_gone_is_noticed_within_one_reading_and_between_two() {
        let (one, two) = (order(1, "confirmed", 6), order(2, "capturing", 5));
        let mut seen = BTreeSet::new();
        let mut first = read(vec![one.clone(), two.clone()], vec![one.clone()]);
        first.compare(&mut seen);
        assert_eq!(first.vanished, ids([2]));
        let mut second = read(vec![one.clone()], vec![one.clone(), two]);
        second.compare(&mut seen);
        assert_eq!(second.vanished, ids([]), "it came back");
        let mut third = read(vec![one.clone()], vec![one]);
        third.compare(&mut seen);
        assert_eq!(third.vanished, ids([2]));
    }
}
