//! The `sync` coordination: carries out what an order's state asks for, stores what came of it, and
//! goes on until the order rests or has to wait.

use chassis::store::StoreError;
use contracts::Context;
use contracts::orders::{OrderStatus, TimelineEntry};

use super::Saga;
use crate::answer;
use crate::domain::{Input, Reason, Step, awaited, step};
use crate::store::{Outcome, StoredOrder, Transition};

impl Saga {
    /// Drives `order`, whose lease this process holds, as far as it goes now. What cannot be settled
    /// now is left to recovery; nothing is guessed.
    pub async fn drive(
        &self,
        ctx: &Context,
        mut order: StoredOrder,
        since: Since,
    ) -> Result<StoredOrder, StoreError> {
        let asked_before = match since {
            Since::Placed => None,
            Since::TakenOver => Some(order.version),
        };
        loop {
            let before = order.version;
            for effect in awaited(&order.state) {
                let mut input = self.perform(ctx, &order, effect).await;
                if asked_before == Some(order.version) {
                    input = input.of_a_repetition();
                }
                self.abort_point(&format!("{}:answered", order.state.name()));
                match self.advance(ctx, &order, &input).await? {
                    Advance::To(next) => order = *next,
                    Advance::Nowhere => {}
                    // somebody else drives it, or did: what they store stands
                    Advance::Overtaken => {
                        let stands = self.store.order(order.id).await?;
                        return Ok(stands.unwrap_or(order));
                    }
                }
            }
            if order.version == before {
                return Ok(order);
            }
        }
    }

    /// Stores the step that `input` causes.
    pub(crate) async fn advance(
        &self,
        ctx: &Context,
        order: &StoredOrder,
        input: &Input,
    ) -> Result<Advance, StoreError> {
        let Step::Moved { state, .. } = step(&order.state, input) else { return Ok(Advance::Nowhere) };
        let now = self.clock.now();
        let mut next = StoredOrder { version: order.version + 1, updated_at: now, ..order.clone() };
        // the first thing that went wrong is why; what happened while undoing is in the timeline
        if next.reason.is_none() && order.state.status() == OrderStatus::Placed {
            next.reason = input.reason().cloned().map(Reason::settled);
        }
        let entry = TimelineEntry {
            version: next.version,
            at: now,
            from: Some(order.state.name().to_owned()),
            to: state.name().to_owned(),
            cause: input.name(),
            detail: input.reason().map(|reason| reason.detail.clone()).unwrap_or_default(),
            direction: input.direction(),
            trace_id: ctx.trace.trace_id_hex(),
        };
        next.state = state;
        let rests = next.state.rests();
        let transition = Transition {
            answer: answer::to_store(&next),
            lease: if rests { self.lease_over() } else { self.lease() },
            entry,
            order: next,
        };
        if self.store.transition(&transition).await? == Outcome::Lost {
            return Ok(Advance::Overtaken);
        }
        let (id, name, cause) = (order.id, transition.order.state.name(), &transition.entry.cause);
        tracing::info!(order_id = %id, state = name, cause, "order {id} is {name} after {cause}");
        self.abort_point(name);
        Ok(Advance::To(Box::new(transition.order)))
    }

    /// Where a test wants the process to die, it dies here.
    pub(crate) fn abort_point(&self, point: &str) {
        if self.config.get().abort_at == point {
            tracing::error!("aborting at {point}, as saga.abort_at asks");
            std::process::abort();
        }
    }
}

/// Since when a process drives an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// From the moment at which the order came to the state it is in: nobody has asked for anything yet.
    Placed,
    /// Another process, or this one before it died, may have asked already and not learnt the answer.
    TakenOver,
}

/// What became of an input.
pub(crate) enum Advance {
    /// The order moved, and is now this.
    To(Box<StoredOrder>),
    /// The order stays where it was.
    Nowhere,
    /// Somebody else moved it first.
    Overtaken,
}
