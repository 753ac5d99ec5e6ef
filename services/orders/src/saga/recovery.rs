//! Takes over orders whose driver is gone, and finishes or undoes them; forgets old idempotency keys.
//!
//! Safe in any number of processes at once: a lease decides who drives an order, and each step is
//! conditional on the order's version. So, unlike other sweeps, it needs no lock at the registry.

use std::time::Duration;

use chassis::store::StoreError;
use contracts::{Context, OrderId};
use tokio_util::sync::CancellationToken;

use super::{Saga, Since};

/// How many abandoned orders one pass takes.
const BATCH: u32 = 32;
/// How many keys one pass forgets.
const KEYS: u32 = 500;

impl Saga {
    /// Looks for abandoned orders again and again until `shutdown`.
    pub async fn recover(self, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            if let Err(error) = self.recovery_pass().await {
                tracing::warn!(%error, "the recovery pass failed, and will come again: {error}");
            }
            let pause = Duration::from_millis(self.config.get().recovery_every_ms);
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// One pass: every order that nobody drives any more is driven as far as it goes now.
    pub async fn recovery_pass(&self) -> Result<(), StoreError> {
        let overdue = self.store.orders_overdue(self.clock.now(), BATCH).await?;
        futures::future::join_all(overdue.into_iter().map(|id| self.recover_order(id))).await;
        let keep = Duration::from_millis(self.config.get().keep_keys_ms);
        self.store.keys_prune(self.clock.now().minus(keep), KEYS).await?;
        Ok(())
    }

    async fn recover_order(&self, id: OrderId) {
        let context = Context::background("orders", self.budget());
        let owner = format!("{}, trace {}", self.owner, context.trace.trace_id_hex());
        let driver = Self { owner, ..self.clone() };
        let recovered = async {
            let lease = driver.lease();
            let Some(order) = self.store.lease_take(id, &lease, self.clock.now()).await? else {
                return Ok(());
            };
            let state = order.state.name();
            tracing::info!(order_id = %id, state, "order {id} was left {state}; taking it over");
            driver.drive(&context, order, Since::TakenOver).await.map(drop)
        };
        if let Err(error) = recovered.await {
            let error: StoreError = error;
            tracing::warn!(order_id = %id, %error, "order {id} could not be recovered, and will be tried again: {error}");
        }
    }
}
