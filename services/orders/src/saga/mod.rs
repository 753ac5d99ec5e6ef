//! Drives orders through their steps.
//!
//! - [`drive`]: the `sync` coordination: carries out what a state asks for, one after the other
//! - [`perform`]: one effect, through the port of the module that it concerns
//! - [`recovery`]: takes over orders whose driver is gone

mod drive;
mod perform;
mod recovery;

use std::sync::Arc;
use std::time::Duration;

use chassis::clock::Clock;
use chassis::config::Live;
use contracts::Timestamp;
use contracts::catalog::Catalog;
use contracts::inventory::Inventory;
use contracts::payments::Payments;
use contracts::shipping::Shipping;

pub(crate) use drive::Advance;
pub use drive::Since;

use crate::config::SagaConfig;
use crate::store::{Lease, OrderStore};

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
}

impl Saga {
    /// The right to drive an order from now on, for as long as the configuration says.
    pub(crate) fn lease(&self) -> Lease {
        let until = self.clock.now().plus(Duration::from_millis(self.config.get().lease_ms));
        Lease { owner: self.owner.clone(), until }
    }

    /// The same right, given up with the step that brings the order to rest.
    fn lease_over(&self) -> Lease {
        Lease { owner: self.owner.clone(), until: Timestamp(0) }
    }

    /// How long an order may take from now on.
    pub(crate) fn budget(&self) -> Duration {
        Duration::from_millis(self.config.get().budget_ms)
    }
}
