//! Simulated modules: each keeps the promises of its port (idempotent by order, tombstones), on books in
//! memory that survive every crash of orders.

mod catalog;
mod inventory;
mod payments;
mod shipping;

use std::sync::Arc;

use chassis::clock::Clock;

pub use catalog::SimCatalog;
pub use inventory::{Shelves, SimInventory};
pub use payments::{Accounts, SimPayments};
pub use shipping::{Dispatch, SimShipping};

use super::Bug;
use super::network::Network;

/// What every simulated module has: the way to it, the time, and the planted mistake.
#[derive(Clone)]
pub struct Site {
    /// The way from orders to it; nothing for the audit, whose calls never fail.
    pub network: Option<Network>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The mistake that is planted.
    pub bug: Option<Bug>,
}

impl Site {
    async fn carry<T: Send + 'static>(
        &self,
        operation: &'static contracts::Operation,
        work: impl FnOnce() -> contracts::PortResult<T> + Send + 'static,
    ) -> contracts::PortResult<T> {
        match &self.network {
            Some(network) => network.carry(operation, work).await,
            None => work(),
        }
    }
}
