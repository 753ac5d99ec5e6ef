//! The sweep that lets reservations lapse whose time has run out.
//!
//! Its writes are conditional, so any number of replicas may sweep at once. The registry lock only
//! keeps them from doing the same work twice; without a registry the sweep runs all the same.

use std::sync::Arc;
use std::time::Duration;

use chassis::clock::Clock;
use chassis::config::Live;
use chassis::discovery::{Consul, Lock, LockRequest};
use chassis::store::StoreError;
use contracts::PortError;
use tokio_util::sync::CancellationToken;

use crate::board::Board;
use crate::config::ReservationsConfig;
use crate::store::InventoryStore;

/// The key of the registry lock.
pub const LOCK: &str = "tradewind/inventory/expiry-sweep";

const SESSION_TTL: Duration = Duration::from_secs(10);
/// Short, because a former holder that still sweeps does no harm.
const LOCK_DELAY: Duration = Duration::from_secs(1);

/// The sweep.
pub struct Sweep {
    store: Arc<dyn InventoryStore>,
    clock: Arc<dyn Clock>,
    config: Live<ReservationsConfig>,
    board: Arc<Board>,
}

impl Sweep {
    /// A sweep of `store`; what it gives back is shown on `board`.
    pub fn new(
        store: Arc<dyn InventoryStore>,
        clock: Arc<dyn Clock>,
        config: Live<ReservationsConfig>,
        board: Arc<Board>,
    ) -> Self {
        Self { store, clock, config, board }
    }

    /// Sweeps until `shutdown`; with a registry, only while `instance` holds the lock.
    pub async fn run(self, registry: Option<Consul>, instance: String, shutdown: CancellationToken) {
        let Some(registry) = registry else {
            shutdown.run_until_cancelled(self.sweep()).await;
            return;
        };
        let request = LockRequest {
            key: LOCK.to_owned(),
            check: Some(format!("service:{instance}")),
            holder: instance,
            session_ttl: SESSION_TTL,
            lock_delay: LOCK_DELAY,
        };
        // only shutdown ends the wait for a lock
        while let Ok(lock) = Lock::hold(&registry, request.clone(), &shutdown).await {
            tracing::info!(lock = LOCK, "holds {LOCK}: sweeps up lapsed reservations");
            let lost = lock.lost();
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = lost.cancelled() => {}
                () = self.sweep() => {}
            }
            lock.release().await;
        }
    }

    /// Pass after pass, without a rest while there is more than one pass can take.
    async fn sweep(&self) {
        loop {
            let batch = self.config.get().sweep_batch;
            match self.pass().await {
                Ok(expired) if expired == batch => continue,
                Ok(_) => {}
                // logs itself; the next pass tries again
                Err(error) => drop(PortError::from(error)),
            }
            tokio::time::sleep(Duration::from_millis(self.config.get().sweep_ms)).await;
        }
    }

    /// One bounded pass: how many reservations lapsed in it. Each is a transaction of its own, so that
    /// the sweep never holds more than one claim's locks; one that fails does not stop the others.
    pub async fn pass(&self) -> Result<u32, StoreError> {
        let now = self.clock.now();
        let mut expired = 0;
        for order in self.store.claim_list_due(now, self.config.get().sweep_batch).await? {
            match self.store.claim_expire(order, now).await {
                Ok(settled) if settled.moved.is_empty() => {}
                Ok(settled) => {
                    self.board.publish(&settled.moved);
                    tracing::info!(%order, "the reservation of {order} lapsed");
                    expired += 1;
                }
                Err(error) => {
                    let problem = PortError::from(error);
                    tracing::error!(%order, "the reservation of {order} could not lapse: {problem}");
                }
            }
        }
        Ok(expired)
    }
}
