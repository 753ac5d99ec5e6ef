//! Drives orders through their steps.
//!
//! - [`drive`]: the `sync` coordination: carries out what a state asks for, one after the other
//! - [`perform`]: one effect, through the port of the module that it concerns
//! - [`receive`]: the `orchestrated` and the `choreographed` coordination: what a message makes of an order
//! - [`storing`]: what is stored and said with each step, whoever drives the order
//! - [`recovery`]: takes over orders whose driver is gone
//! - [`waiting`]: looks after orders that wait for messages

mod drive;
mod measure;
mod perform;
mod receive;
mod recovery;
mod storing;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use chassis::bell::Bell;
use chassis::clock::Clock;
use chassis::config::Live;
use contracts::catalog::Catalog;
use contracts::inventory::Inventory;
use contracts::payments::Payments;
use contracts::shipping::Shipping;
use contracts::{OrderId, Timestamp};

pub(crate) use drive::Advance;
pub use drive::Since;

use crate::config::SagaConfig;
use crate::store::OrderStore;

/// The modules that orders call.
#[derive(Clone)]
pub struct Ports {
    /// What is sold, and for how much.
    pub catalog: Arc<dyn Catalog>,
    /// The goods.
    pub inventory: Arc<dyn Inventory>,
    /// The money.
    pub payments: Arc<dyn Payments>,
    /// The carrier.
    pub shipping: Arc<dyn Shipping>,
}

/// Drives orders.
#[derive(Clone)]
pub struct Saga {
    /// Where orders are kept.
    pub store: Arc<dyn OrderStore>,
    /// Whom it calls.
    pub ports: Ports,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What can be set.
    pub config: Live<SagaConfig>,
    /// Who it is, in leases; unlike any other process, and unlike itself before a restart. Whenever
    /// recovery takes an order over it does so under a name of its own, because a driver in the same
    /// process that was too slow is as much overtaken as one elsewhere.
    pub owner: String,
    /// Rings for an order with each step that this process stores, whoever drives it.
    pub bell: Bell<OrderId>,
}

impl Saga {
    /// How long an order may take from now on.
    pub(crate) fn budget(&self) -> Duration {
        Duration::from_millis(self.config.get().budget_ms)
    }
}

/// How much time passed; none where clocks of two machines differ by more than that.
fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::from_micros(u64::try_from(to.0.saturating_sub(from.0)).unwrap_or(0))
}
