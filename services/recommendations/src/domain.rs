//! What an event says about the model, and how the model changes with it (pure).
//!
//! The model is made of what the latest version of each order says. So events may come twice, late and
//! in any order, and the model comes out the same. What an order adds is stored with it, so that a
//! withdrawal takes back exactly that.

use std::collections::{BTreeMap, HashMap};

use contracts::messages::{Event as _, Message};
use contracts::orders::OrderEvent;
use contracts::recommendations::{ProjectedOrder, Standing};
use contracts::{CustomerId, OrderId, Problem, Sku};

/// The most products of one order that the model looks at: as many as an order can have. It bounds the
/// work of one event.
pub const MOST_SKUS: usize = 50;
/// How many products are recommended where the request does not say.
pub const USUAL: u32 = 5;
/// The most products that one answer recommends.
pub const MOST: u32 = 50;

/// What the model knows of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderFact {
    /// The order, as the audit shows it. Its SKUs are sorted, each there once.
    pub order: ProjectedOrder,
    /// The version of the order that says so. A later version outdates it.
    pub version: u64,
}

impl OrderFact {
    /// What `message` says: nothing where it is not about an order that was confirmed or refunded; an
    /// error where it cannot be read.
    pub fn read(message: &Message) -> Result<Option<Self>, String> {
        let event = OrderEvent::read(message).map_err(|error| error.to_string())?;
        let (order, standing) = match event {
            Some(OrderEvent::OrderConfirmed { order }) => (order, Standing::Counts),
            Some(OrderEvent::OrderRefunded { order }) => (order, Standing::Withdrawn),
            _ => return Ok(None),
        };
        if !order.customer_id.is_valid() {
            return Err(format!("{:?} is not a customer", order.customer_id.0));
        }
        if i64::try_from(order.version).is_err() {
            return Err(format!("no order has the version {}", order.version));
        }
        let mut skus: Vec<_> = order.lines.into_iter().map(|line| line.sku).collect();
        if let Some(sku) = skus.iter().find(|sku| !sku.is_valid()) {
            return Err(format!("{:?} is not a SKU", sku.0));
        }
        skus.sort_unstable();
        skus.dedup();
        skus.truncate(MOST_SKUS);
        let version = order.version;
        let order = ProjectedOrder { order_id: order.id, customer_id: order.customer_id, skus, standing };
        Ok(Some(Self { order, version }))
    }

    /// How many pairs of products it has: what it costs to count it.
    pub fn pairs(&self) -> usize {
        let skus = self.order.skus.len();
        skus * skus.saturating_sub(1) / 2
    }

    fn counts(&self) -> bool {
        self.order.standing == Standing::Counts
    }
}

/// Two products, the one that comes first in the alphabet first.
pub type Pair = (Sku, Sku);
/// A customer and a product that they bought.
pub type Purchase = (CustomerId, Sku);

/// How the model changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// What is known of these orders from now on.
    pub orders: BTreeMap<OrderId, OrderFact>,
    /// How many of them were not known before.
    pub new_orders: u64,
    /// In how many more orders, or fewer, two products stand together; never 0.
    pub pairs: BTreeMap<Pair, i64>,
    /// In how many more orders, or fewer, a customer has bought a product; never 0.
    pub purchases: BTreeMap<Purchase, i64>,
}

impl Change {
    /// What `facts` change where `known` is what the model knows of their orders.
    pub fn of(known: &HashMap<OrderId, OrderFact>, facts: &[OrderFact]) -> Self {
        let mut change = Self::default();
        for fact in facts {
            let id = fact.order.order_id;
            let before = change.orders.get(&id).or_else(|| known.get(&id)).cloned();
            match &before {
                Some(before) if before.version >= fact.version => continue,
                Some(before) => change.count(before, -1),
                None => change.new_orders += 1,
            }
            change.count(fact, 1);
            change.orders.insert(id, fact.clone());
        }
        change.pairs.retain(|_, more| *more != 0);
        change.purchases.retain(|_, more| *more != 0);
        change
    }

    fn count(&mut self, fact: &OrderFact, more: i64) {
        if !fact.counts() {
            return;
        }
        let skus = &fact.order.skus;
        for (at, first) in skus.iter().enumerate() {
            let purchase = (fact.order.customer_id.clone(), first.clone());
            *self.purchases.entry(purchase).or_default() += more;
            for second in &skus[at + 1..] {
                *self.pairs.entry((first.clone(), second.clone())).or_default() += more;
            }
        }
    }
}

/// Refuses a SKU that is not well-formed. One that nobody bought is fine.
pub fn check_sku(sku: &Sku) -> Result<(), Problem> {
    if sku.is_valid() {
        return Ok(());
    }
    Err(Problem::invalid_field("sku", "must be 1 to 32 characters of A-Z a-z 0-9 . _ -"))
}

/// Refuses a customer's id that is not well-formed. One who bought nothing is fine.
pub fn check_customer(customer: &CustomerId) -> Result<(), Problem> {
    if customer.is_valid() {
        return Ok(());
    }
    Err(Problem::invalid_field("customer_id", "must be 1 to 64 characters of A-Z a-z 0-9 . _ -"))
}

/// How many products to recommend, or what is wrong with the number.
pub fn limit(asked: Option<u32>) -> Result<u32, Problem> {
    let limit = asked.unwrap_or(USUAL);
    if (1..=MOST).contains(&limit) {
        return Ok(limit);
    }
    Err(Problem::invalid_field("limit", format!("must be 1 to {MOST}, not {limit}")))
}

#[cfg(test)]
mod tests;
