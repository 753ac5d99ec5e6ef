//! Simulated modules: each keeps the promises of its port (idempotent by order, tombstones), on books in
//! memory that survive every crash, and tells what becomes true there with the change that makes it true.
//! What messages ask of them, and what they answer, is the real thing: the `reactions` of each service.

mod catalog;
mod inventory;
mod payments;
mod shipping;

use std::sync::Arc;
use std::time::Duration;

use chassis::messaging::participant::books;
use contracts::messages::{Event, Origin, Outgoing};
use contracts::{Code, PortResult, Problem, Timestamp};
use parking_lot::Mutex;

pub use catalog::SimCatalog;
pub use inventory::{Shelves, SimInventory};
pub use payments::{Accounts, SimPayments};
pub use shipping::{Dispatch, SimShipping};

use super::messaging::Mailbox;
use super::network::Network;
use super::world::{Station, World};

/// What survives a module's process: its books, and its outbox and inbox beside them.
pub struct Disk<T> {
    /// What it keeps.
    pub books: Mutex<T>,
    /// What it says, and what it has heard.
    pub mailbox: Arc<Mailbox>,
}

impl<T> Disk<T> {
    /// A disk with these books on it.
    pub fn new(world: &Arc<World>, books: T) -> Arc<Self> {
        Arc::new(Self { books: Mutex::new(books), mailbox: Arc::new(Mailbox::new(world.clone())) })
    }

    /// One transaction: what `change` does to the books, and the facts that it thereby makes true.
    fn change<R>(&self, change: impl FnOnce(&mut T, &mut Facts) -> R) -> R {
        let mut facts = Facts::default();
        let result = change(&mut self.books.lock(), &mut facts);
        if !facts.0.is_empty() {
            self.mailbox.post(facts.0);
        }
        result
    }
}

/// What becomes true in a transaction.
#[derive(Default)]
struct Facts(Vec<Outgoing>);

impl Facts {
    /// Tells what has become of an order that is kept with the origin `kept`.
    fn tell(&mut self, event: &impl Event, kept: &Origin, occasion: Occasion<'_>) {
        let origin = books::origin_of_fact(Some(kept), occasion.call);
        self.0.push(event.fact(&origin, occasion.now));
    }
}

/// Who asks for a change, and when.
#[derive(Clone, Copy)]
struct Occasion<'a> {
    now: Timestamp,
    /// Of the call or the message that asks; nothing for a sweep.
    call: Option<&'a Origin>,
}

impl Occasion<'_> {
    /// What is kept with an order that is new here.
    fn origin(&self) -> Origin {
        books::origin_of_fact(None, self.call)
    }
}

/// How work comes to a simulated module.
#[derive(Clone)]
pub enum Way {
    /// By a call of the orders process.
    Called(Network),
    /// By a message that this life of its own process deals with.
    Asked(Station),
    /// At once, and never in vain: for the audit.
    Direct,
}

/// What every simulated module has.
#[derive(Clone)]
pub struct Site {
    /// How work comes to it.
    pub way: Way,
    /// The world it is in.
    pub world: Arc<World>,
}

impl Site {
    async fn carry<T: Send + 'static>(
        &self,
        operation: &'static contracts::Operation,
        work: impl FnOnce() -> PortResult<T> + Send + 'static,
    ) -> PortResult<T> {
        match &self.way {
            Way::Called(network) => network.carry(operation, work).await,
            Way::Asked(station) => transact(station, operation, work).await,
            Way::Direct => work(),
        }
    }
}

/// Work in a process of its own: its database may not answer, before it or after it.
async fn transact<T>(
    station: &Station,
    operation: &'static contracts::Operation,
    work: impl FnOnce() -> PortResult<T>,
) -> PortResult<T> {
    let world = &station.world;
    world.delay(Duration::from_millis(100)).await;
    station.point(operation.name).await;
    if world.misfortune(100) {
        return Err(Problem::new(Code::Unavailable, "the database does not answer").into());
    }
    let result = work();
    let unheard = world.misfortune(60);
    world.note(|| {
        let outcome = result.as_ref().map_or_else(ToString::to_string, |_| "done".to_owned());
        format!("{operation}, by message: {outcome}{}", if unheard { ", and not heard of" } else { "" })
    });
    station.point(operation.name).await;
    if unheard {
        return Err(Problem::new(Code::OutcomeUnknown, "the database did not say how it ended").into());
    }
    result
}
