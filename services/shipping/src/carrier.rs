//! The simulated carriers: collect what is scheduled and deliver what is shipped, each after its time.
//!
//! Every replica runs this. A shipment is moved by whoever writes first; the others find it moved.

use std::sync::Arc;

use chassis::clock::Clock;
use chassis::config::Live;
use chassis::store::StoreError;
use tokio_util::sync::CancellationToken;

use crate::config::CarrierConfig;
use crate::store::ShippingStore;
use crate::tracking::Tracker;

/// How many shipments are moved in one transaction.
const BATCH: u32 = 100;

/// What moves shipments.
pub struct Carrier {
    /// Where they are kept.
    pub store: Arc<dyn ShippingStore>,
    /// When they are due.
    pub clock: Arc<dyn Clock>,
    /// How fast they move.
    pub config: Live<CarrierConfig>,
    /// Who wants to know.
    pub tracker: Tracker,
}

impl Carrier {
    /// Sweeps again and again until `shutdown`.
    pub async fn run(mut self, shutdown: CancellationToken) {
        while self.pause(&shutdown).await == Pause::Over {
            if let Err(error) = self.sweep(&shutdown).await {
                // the next sweep finds the same shipments
                tracing::warn!(%error, "the carriers could not move what is due: {error}");
            }
        }
    }

    /// Waits for the next sweep; a change of the settings calls for one at once.
    async fn pause(&mut self, shutdown: &CancellationToken) -> Pause {
        let wait = self.config.get().sweep_every();
        tokio::select! {
            () = shutdown.cancelled() => Pause::Shutdown,
            () = tokio::time::sleep(wait) => Pause::Over,
            _ = self.config.changed() => Pause::Over,
        }
    }

    /// Moves everything that is due, and tells those who listen.
    pub async fn sweep(&self, shutdown: &CancellationToken) -> Result<(), StoreError> {
        let pace = self.config.get().pace();
        while !shutdown.is_cancelled() {
            let moved = self.store.shipments_advance(pace, self.clock.now(), BATCH).await?;
            for order_id in &moved {
                self.tracker.moved(*order_id);
            }
            if moved.len() < BATCH as usize {
                break;
            }
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pause {
    Over,
    Shutdown,
}
