//! Takes over orders whose driver is gone, and finishes or undoes them; forgets old idempotency keys. Orders
//! that messages drive have no driver who could be gone: [`super::waiting`] looks after them.
//!
//! Safe in any number of processes at once: a lease decides who drives an order, and each step is
//! conditional on the order's version. So, unlike other sweeps, it needs no lock at the registry.

use std::collections::HashMap;
use std::time::Duration;

use chassis::store::StoreError;
use chassis::telemetry::spans::{Begin, SpanKind};
use contracts::error::chain;
use contracts::{Context, OrderId};
use tokio::task::{self, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Saga, Since};
use crate::domain::Driver;

/// How many abandoned orders are driven at once.
const MOST: usize = 32;
/// How many keys one pass forgets.
const KEYS: u32 = 500;

impl Saga {
    /// Looks for abandoned orders again and again until `shutdown`, which cuts short what is under way:
    /// whoever looks next takes those orders over when their leases have run out.
    pub async fn recover(self, shutdown: CancellationToken) {
        shutdown.run_until_cancelled(self.keep_recovering()).await;
    }

    async fn keep_recovering(&self) {
        let mut running = Recoveries::default();
        loop {
            if let Err(error) = self.take_over(&mut running).await {
                let cause = chain(&error);
                tracing::warn!(error = cause, "looking for abandoned orders failed: {cause}");
            }
            if running.room() == 0 {
                // there may be more of them, which need not wait for the next look
                tokio::time::timeout(self.pause(), running.half_done()).await.ok();
            } else {
                tokio::time::sleep(self.pause()).await;
            }
        }
    }

    /// Begins to drive as many abandoned orders as there is room for.
    async fn take_over(&self, running: &mut Recoveries) -> Result<(), StoreError> {
        running.reap();
        // as many as there may be at once, not as there is room for: the slow ones that are driven here
        // may be among them, foremost, and must not hide the others
        for id in self.overdue().await? {
            if running.room() > 0 && !running.include(id) {
                running.begin(id, self.clone().recover_or_pause(id));
            }
        }
        self.forget_old_keys().await
    }

    async fn recover_or_pause(self, id: OrderId) {
        if self.recover_order(id).await.is_err() {
            // it keeps its place for a while, so that a database that fails is not asked without a break
            tokio::time::sleep(self.pause()).await;
        }
    }

    /// One pass, for whoever is the master of time: every order that nobody drives any more, up to a
    /// bound, is driven as far as it goes now, and those that wait for messages are looked after.
    pub async fn recovery_pass(&self) -> Result<(), StoreError> {
        let overdue = self.overdue().await?;
        futures::future::join_all(overdue.into_iter().map(|id| self.recover_order(id))).await;
        self.waiting_pass().await?;
        self.forget_old_keys().await
    }

    async fn overdue(&self) -> Result<Vec<OrderId>, StoreError> {
        self.store.orders_overdue(Driver::Calls, self.clock.now(), MOST as u32).await
    }

    async fn forget_old_keys(&self) -> Result<(), StoreError> {
        let keep = Duration::from_millis(self.config.get().keep_keys_ms);
        self.store.keys_prune(self.clock.now().minus(keep), KEYS).await.map(drop)
    }

    /// The pause between two looks.
    pub(super) fn pause(&self) -> Duration {
        Duration::from_millis(self.config.get().recovery_every_ms)
    }

    async fn recover_order(&self, id: OrderId) -> Result<(), StoreError> {
        let span = Begin::new(SpanKind::Internal, "orders", "recover order").begin();
        span.about(id);
        let context = Context::background("orders", self.budget());
        let context = Context { trace: span.trace().clone(), ..context };
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
        span.around(recovered).await.inspect_err(|error| {
            let cause = chain(error);
            span.fail("store", &cause);
            tracing::warn!(order_id = %id, error = cause, "order {id} could not be recovered, and will be tried again: {cause}");
        })
    }
}

/// The orders that are being recovered here, each in a task of its own, so that a slow one holds up
/// nothing but itself. The tasks end with this.
#[derive(Default)]
struct Recoveries {
    tasks: JoinSet<()>,
    orders: HashMap<task::Id, OrderId>,
}

impl Recoveries {
    fn room(&self) -> usize {
        MOST.saturating_sub(self.tasks.len())
    }

    fn include(&self, id: OrderId) -> bool {
        self.orders.values().any(|running| *running == id)
    }

    fn begin(&mut self, id: OrderId, recovery: impl Future<Output = ()> + Send + 'static) {
        let task = self.tasks.spawn(recovery).id();
        self.orders.insert(task, id);
    }

    /// Forgets those that have ended.
    fn reap(&mut self) {
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            self.ended(ended);
        }
    }

    /// Waits until half of the room is free: a look for each that ends would be one query an order.
    async fn half_done(&mut self) {
        while self.room() < MOST / 2 {
            let Some(ended) = self.tasks.join_next_with_id().await else { return };
            self.ended(ended);
        }
    }

    fn ended(&mut self, ended: Result<(task::Id, ()), JoinError>) {
        let task = match &ended {
            Ok((task, ())) => *task,
            Err(error) => error.id(),
        };
        let order = self.orders.remove(&task);
        if let (Some(id), Err(error)) = (order, ended) {
            tracing::error!(order_id = %id, "recovering order {id} ended badly: {error}");
        }
    }
}
