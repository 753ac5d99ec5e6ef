//! `tradewind audit`: whether the books of all modules agree. It asks every module through its port, as
//! any other caller would, so the same checks judge a running shop and the simulation.
//!
//! - [`books`]: what every module says it holds, read until nothing moves
//! - [`checks`]: what must be true of it: pure
//! - [`messages`]: what must be true of messages: pure

pub mod books;
pub mod checks;
pub mod messages;
#[cfg(test)]
mod samples;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use contracts::inventory::Inventory;
use contracts::orders::Orders;
use contracts::payments::Payments;
use contracts::shipping::Shipping;
use contracts::{Context, OrderId, PortResult};
use serde::Serialize;
use tokio::time::Instant;

pub use books::Books;
pub use checks::{Finding, check};
pub use messages::{Judgement, MessageBooks, MessageSource, MessageTally};

/// The modules that keep books.
#[derive(Clone)]
pub struct Ports {
    /// What was ordered.
    pub orders: Arc<dyn Orders>,
    /// The goods.
    pub inventory: Arc<dyn Inventory>,
    /// The money.
    pub payments: Arc<dyn Payments>,
    /// The carrier.
    pub shipping: Arc<dyn Shipping>,
    /// Outboxes and inboxes.
    pub messages: Arc<dyn MessageSource>,
}

/// What an audit found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Everything that is wrong; nothing when the books agree.
    pub findings: Vec<Finding>,
    /// Orders that had come to rest, by how they ended.
    pub orders: Tally,
    /// Orders that were still under way. Only those that a client was told of are findings.
    pub in_flight: usize,
    /// Messages.
    pub messages: MessageTally,
}

/// How orders ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Paid for, and on the carrier's list.
    pub confirmed: usize,
    /// The goods were not there.
    pub rejected: usize,
    /// Undone.
    pub cancelled: usize,
    /// Cancelled after confirmation.
    pub refunded: usize,
}

impl Report {
    /// Whether everything agrees.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Reads all books and checks them. Waits up to `patience` until no order is under way, and until every service
/// answers; orders that still are under way then are counted apart. `acknowledged` are orders that some client was
/// told of: each must be there, and at rest. No order that was there once may be missing later.
pub async fn run(ports: &Ports, patience: Duration, acknowledged: &[OrderId]) -> PortResult<Report> {
    let until = Instant::now() + patience;
    let mut seen = BTreeSet::new();
    loop {
        let read = read(ports, &mut seen).await;
        let is_last = Instant::now() >= until;
        match read {
            Ok((books, messages)) => {
                let settled = books.is_quiet() && !books.moved && messages.is_settled();
                if settled || is_last {
                    return Ok(report(&books, messages, acknowledged));
                }
            }
            // who does not answer now may do so in a moment
            Err(error) if is_last || error.is_decision() => return Err(error),
            Err(error) => tracing::debug!(%error, "the books cannot be read now: {error}"),
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

async fn read(ports: &Ports, seen: &mut BTreeSet<OrderId>) -> PortResult<(Books, Judgement)> {
    let mut books = Books::read(ports, &context()).await?;
    books.compare(seen);
    let messages = messages::judge(&ports.messages.read().await?, &books);
    Ok((books, messages))
}

/// How often the books are read again while orders are under way.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

fn context() -> Context {
    Context::background("audit", Duration::from_secs(60))
}

fn report(books: &Books, messages: Judgement, acknowledged: &[OrderId]) -> Report {
    let mut orders = Tally::default();
    for order in books.resting() {
        match order.step.as_str() {
            "confirmed" => orders.confirmed += 1,
            "rejected" => orders.rejected += 1,
            "cancelled" => orders.cancelled += 1,
            _ => orders.refunded += 1,
        }
    }
    let mut findings = check(books, acknowledged);
    findings.extend(messages.findings);
    Report { findings, orders, in_flight: books.in_flight.len(), messages: messages.tally }
}
