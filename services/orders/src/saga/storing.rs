//! What is stored and said with each step, whoever drives the order.

use std::time::Duration;

use contracts::messages::{Event as _, MessageId, Origin, Outgoing};
use contracts::{Timestamp, TraceContext};

use super::{Saga, measure};
use crate::answer;
use crate::domain::{Driver, Progress, StoredOrder, messages};
use crate::store::{Lease, Transition};

/// Who holds the lease of an order that messages drive. It lapses when none has come for long.
const MESSAGES: &str = "messages";

impl Saga {
    /// What is to be stored and said of `progress`, which happened in this trace.
    pub(super) fn transition(&self, trace: &TraceContext, progress: Progress) -> Transition {
        let Progress { order, entries, events, commands } = progress;
        let (origin, now) = (origin(&order, trace), self.clock.now());
        let facts = events.iter().map(|event| event.fact(&origin, now));
        // each giving of a command is a message of its own
        let asked =
            commands.iter().map(|command| command.message(MessageId::random(), order.version, &origin, now));
        Transition {
            outgoing: facts.chain(asked).collect(),
            answer: if entries.is_empty() { None } else { answer::to_store(&order) },
            lease: self.lease_of(&order),
            entries,
            order,
        }
    }

    /// What is said about a new order, and asked for its first step.
    pub(crate) fn first_words(&self, trace: &TraceContext, order: &StoredOrder) -> Vec<Outgoing> {
        let mut first = crate::domain::asked_again(order);
        first.events.push(messages::placed(order));
        self.transition(trace, first).outgoing
    }

    /// The right to drive `order` from now on, for as long as the configuration says; given up with the
    /// step that brings it to rest.
    pub(crate) fn lease_of(&self, order: &StoredOrder) -> Lease {
        let owner = match order.driver() {
            Driver::Calls => self.owner.clone(),
            Driver::Messages => MESSAGES.to_owned(),
        };
        let until = if order.state.rests() { Timestamp(0) } else { self.lease_until(order.driver()) };
        Lease { owner, until }
    }

    /// The right to drive an order by calls from now on.
    pub(super) fn lease(&self) -> Lease {
        Lease { owner: self.owner.clone(), until: self.lease_until(Driver::Calls) }
    }

    fn lease_until(&self, driver: Driver) -> Timestamp {
        let config = self.config.get();
        let millis = match driver {
            Driver::Calls => config.lease_ms,
            Driver::Messages => config.resend_ms,
        };
        self.clock.now().plus(Duration::from_millis(millis))
    }

    /// Tells those who wait, the log and the metrics what was stored. Every step passes here, but for one
    /// whose commit the database did not confirm: who waits finds that when they look by themselves.
    pub(super) fn stored(&self, transition: &Transition) {
        let id = transition.order.id;
        if !transition.entries.is_empty() {
            self.bell.ring(&id);
        }
        for entry in &transition.entries {
            let (state, cause) = (&entry.to, &entry.cause);
            tracing::info!(order_id = %id, state, cause, "order {id} is {state} after {cause}");
            measure::step(&transition.order, entry);
            self.abort_point(state);
        }
    }

    /// Where a test wants the process to die, it dies here.
    pub(crate) fn abort_point(&self, point: &str) {
        if self.config.get().abort_at == point {
            tracing::error!("aborting at {point}, as saga.abort_at asks");
            std::process::abort();
        }
    }
}

fn origin(order: &StoredOrder, trace: &TraceContext) -> Origin {
    Origin { coordination: order.coordination, trace: trace.clone(), passed: None }
}
