//! Looks after orders that messages drive, and that have not moved for long.
//!
//! No message of theirs is lost: outbox, queues and inbox keep it. But one may have been put aside as a dead
//! letter. For an orchestrated order the other modules are asked again; each answers a repetition as it
//! answered the first time. A choreographed order has nobody who could be asked: the log says that it waits.

use chassis::store::StoreError;
use contracts::error::chain;
use contracts::orders::Coordination;
use contracts::{OrderId, Timestamp, TraceContext};

use super::Saga;
use crate::domain::{Driver, StoredOrder, asked_again};
use crate::store::{Change, Lease, Transition};

/// How many orders one look deals with: so the others are not flooded with commands when they come back.
const MOST: u32 = 32;

impl Saga {
    /// One look at orders that have waited for longer than `saga.resend_ms`.
    pub(super) async fn look_after_waiting(&self) -> Result<(), StoreError> {
        for id in self.store.orders_overdue(Driver::Messages, self.clock.now(), MOST).await? {
            if let Err(error) = self.look_after(id).await {
                let cause = chain(&error);
                tracing::warn!(order_id = %id, error = cause, "order {id} could not be looked after: {cause}");
            }
        }
        Ok(())
    }

    async fn look_after(&self, id: OrderId) -> Result<(), StoreError> {
        let (trace, now) = (TraceContext::root(), self.clock.now());
        let decide = |order: &StoredOrder, lease: &Lease| {
            waits(order, lease, now).then(|| self.transition(&trace, asked_again(order)))
        };
        if let Change::Made(transition) = self.store.order_change(id, None, &decide).await? {
            self.tell(&transition);
        }
        Ok(())
    }

    fn tell(&self, Transition { order, outgoing, .. }: &Transition) {
        let (id, state, since) = (order.id, order.state.name(), order.updated_at);
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
                "order {id} is {state} since {since}: its commands were sent again"
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
