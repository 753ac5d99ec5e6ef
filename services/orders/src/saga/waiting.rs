//! Looks after orders that messages drive, and that have not moved for long.
//!
//! No message of theirs is lost: outbox, queues and inbox keep it. But one may have been put aside as a dead
//! letter. For an orchestrated order the other modules are asked again; each answers a repetition as it
//! answered the first time. A choreographed order has nobody who could be asked: the log says that it waits.
//!
//! Whoever does not answer for long is not asked ever more: an order that has waited waits as long again.

use std::time::Duration;

use chassis::store::StoreError;
use chassis::telemetry::spans::{Begin, SpanKind};
use contracts::error::chain;
use contracts::orders::Coordination;
use contracts::{OrderId, Timestamp, TraceContext};
use tokio_util::sync::CancellationToken;

use super::{Saga, between};
use crate::domain::{Driver, StoredOrder, asked_again};
use crate::store::{Change, Lease, Outcome, Transition};

/// How many orders one look deals with: so the others are not flooded with commands when they come back.
const MOST: u32 = 32;
/// How long an order is left alone at most, however long it has waited.
const LONGEST: Duration = Duration::from_secs(60 * 60);

impl Saga {
    /// Looks for orders that have waited for longer than `saga.resend_ms`, again and again until `shutdown`.
    /// A task of its own, so that neither these nor abandoned orders wait for the others to be seen to.
    pub async fn look_after_waiting(self, shutdown: CancellationToken) {
        shutdown.run_until_cancelled(self.keep_looking()).await;
    }

    async fn keep_looking(&self) {
        loop {
            if let Err(error) = self.waiting_pass().await {
                let cause = chain(&error);
                tracing::warn!(error = cause, "looking for orders that wait failed: {cause}");
            }
            tokio::time::sleep(self.pause()).await;
        }
    }

    /// One look.
    pub(super) async fn waiting_pass(&self) -> Result<(), StoreError> {
        for id in self.store.orders_overdue(Driver::Messages, self.clock.now(), MOST).await? {
            if let Err(error) = self.look_after(id).await {
                self.put_off(id, &error).await?;
            }
        }
        Ok(())
    }

    async fn look_after(&self, id: OrderId) -> Result<(), StoreError> {
        let span = Begin::new(SpanKind::Internal, "orders", "look after order").begin();
        span.about(id);
        let now = self.clock.now();
        let decide = |order: &StoredOrder, lease: &Lease| {
            waits(order, lease, now).then(|| self.looked_after(order, span.trace(), now))
        };
        let looked = async {
            if let Change::Made(transition) = self.store.order_change(id, None, &decide).await? {
                self.tell(&transition);
            }
            Ok(())
        };
        span.around(looked).await
    }

    fn looked_after(&self, order: &StoredOrder, trace: &TraceContext, now: Timestamp) -> Transition {
        let mut transition = self.transition(trace, asked_again(order));
        // nobody was asked by a process without a broker: that is no reason to wait longer for an answer
        if self.store.posts() {
            let as_long_again = now.plus(between(order.updated_at, now).min(LONGEST));
            transition.lease.until = transition.lease.until.max(as_long_again);
        }
        transition
    }

    /// Lets an order wait that could not be looked after, its row making no sense perhaps: it would be the
    /// first in line at every look, and so many of them would hide the others.
    async fn put_off(&self, id: OrderId, error: &StoreError) -> Result<(), StoreError> {
        let (now, cause) = (self.clock.now(), chain(error));
        let until = now.plus(Duration::from_millis(self.config.get().resend_ms));
        // where another process was faster it has said so
        if self.store.lease_postpone(id, until, now).await? == Outcome::Done {
            tracing::error!(
                order_id = %id,
                error = cause,
                "order {id} could not be looked after, and is put off until {until}: {cause}"
            );
        }
        Ok(())
    }

    fn tell(&self, Transition { order, outgoing, lease, .. }: &Transition) {
        let (id, state, since, until) = (order.id, order.state.name(), order.updated_at, lease.until);
        let order_id = tracing::field::display(id);
        if !self.store.posts() {
            tracing::warn!(
                order_id,
                state,
                "order {id} is {state} since {since}, and waits for messages: start this process with --broker"
            );
        } else if order.coordination == Coordination::Orchestrated {
            let count = outgoing.len();
            tracing::info!(
                order_id,
                state,
                count,
                "order {id} is {state} since {since}: its commands were sent again, and will be after {until}"
            );
        } else {
            tracing::warn!(
                order_id,
                state,
                "order {id} is {state} since {since}: it waits for an event, which may lie among the dead letters"
            );
        }
    }
}

/// Whether nobody has looked after an order for long, since the list was read.
fn waits(order: &StoredOrder, lease: &Lease, now: Timestamp) -> bool {
    order.driver() == Driver::Messages && !order.state.rests() && lease.until <= now
}
