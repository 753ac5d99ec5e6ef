//! An order as it is kept.

use contracts::orders::{Coordination, Order, PricedLine};
use contracts::payments::CardToken;
use contracts::types::Address;
use contracts::{CustomerId, Money, OrderId, Timestamp};

use super::saga::{Input, Reason, State};

/// An order with everything that its saga needs.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredOrder {
    /// Which.
    pub id: OrderId,
    /// Whose.
    pub customer_id: CustomerId,
    /// How far it has come.
    pub state: State,
    /// What was heard of it before its time ([`super::early`]); nothing of an order that rests.
    pub early: Vec<Input>,
    /// Who drives it.
    pub coordination: Coordination,
    /// What was ordered.
    pub lines: Vec<PricedLine>,
    /// Who pays.
    pub card: CardToken,
    /// Where to.
    pub address: Address,
    /// What shipping costs.
    pub shipping: Money,
    /// What is to be paid in all.
    pub total: Money,
    /// Why it was not confirmed.
    pub reason: Option<Reason>,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Rises by one with each step.
    pub version: u64,
}

impl StoredOrder {
    /// The order as others see it.
    pub fn view(&self) -> Order {
        Order {
            id: self.id,
            customer_id: self.customer_id.clone(),
            status: self.state.status(),
            step: self.state.name().to_owned(),
            coordination: self.coordination,
            lines: self.lines.clone(),
            shipping: self.shipping,
            total: self.total,
            reason: self.reason.as_ref().map(|reason| contracts::orders::Reason {
                code: reason.code.as_str().to_owned(),
                detail: reason.detail.clone(),
            }),
            placed_at: self.placed_at,
            updated_at: self.updated_at,
            version: self.version,
        }
    }

    /// What moves it from step to step.
    pub fn driver(&self) -> Driver {
        Driver::of(self.coordination)
    }
}

/// What moves an order from step to step. Whoever looks for abandoned orders must never call for one that
/// messages move, and has nothing to send for one that calls move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Driver {
    /// A task that calls the other modules and holds the order's lease.
    Calls,
    /// Messages, as they come, at whichever process they reach.
    Messages,
}

impl Driver {
    /// The driver of an order in this coordination.
    pub fn of(coordination: Coordination) -> Self {
        match coordination {
            Coordination::Sync => Self::Calls,
            Coordination::Orchestrated | Coordination::Choreographed => Self::Messages,
        }
    }
}
