//! What an input makes of an order: the steps that it takes, and what they say to others.

use contracts::Timestamp;
use contracts::messages::Command;
use contracts::orders::{Coordination, OrderEvent, OrderStatus, TimelineEntry};

use super::order::StoredOrder;
use super::saga::{Effect, Input, Reason, State, Step, awaited, step};
use super::{early, messages};

/// What is to be stored, all of it or nothing, and what is to be said then.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// The order afterwards. Its version has risen by one with each step.
    pub order: StoredOrder,
    /// The steps, oldest first; none where something was only noted.
    pub entries: Vec<TimelineEntry>,
    /// What is told to the world.
    pub events: Vec<OrderEvent>,
    /// What is asked of the other modules by messages.
    pub commands: Vec<Command>,
}

/// What `input` makes of `order`, heard at `at` in the trace `trace_id`; nothing where it changes nothing.
///
/// News that comes before its time is kept with a choreographed order, and tried again after each move.
pub fn progress(order: &StoredOrder, input: &Input, at: Timestamp, trace_id: &str) -> Option<Progress> {
    let mut progress = Progress::none(order);
    match step(&order.state, input) {
        Step::Moved { state, effects } => progress.step(state, &effects, input, at, trace_id),
        Step::Waits => return None,
        Step::Ignored => return progress.late(input).or_else(|| Progress::none(order).early(input)),
    }
    while let Some(input) = early::take_fitting(&mut progress.order.early, &progress.order.state) {
        if let Step::Moved { state, effects } = step(&progress.order.state, &input) {
            progress.step(state, &effects, &input, at, trace_id);
        }
    }
    if progress.order.state.rests() {
        progress.order.early.clear();
    }
    Some(progress)
}

/// The same order, with everything asked for again that it waits for: a command or its answer may lie
/// where nobody gets at it.
pub fn asked_again(order: &StoredOrder) -> Progress {
    let commands = messages::commands(order, &awaited(&order.state));
    Progress { commands, ..Progress::none(order) }
}

impl Progress {
    fn none(order: &StoredOrder) -> Self {
        Self { order: order.clone(), entries: Vec::new(), events: Vec::new(), commands: Vec::new() }
    }

    fn step(&mut self, state: State, effects: &[Effect], input: &Input, at: Timestamp, trace_id: &str) {
        let order = &mut self.order;
        // the first thing that went wrong is why; what happened while undoing is in the timeline
        if order.reason.is_none() && order.state.status() == OrderStatus::Placed {
            order.reason = input.reason().cloned().map(Reason::settled);
        }
        let from = std::mem::replace(&mut order.state, state);
        order.version += 1;
        order.updated_at = at;
        self.entries.push(TimelineEntry {
            version: order.version,
            at,
            from: Some(from.name().to_owned()),
            to: order.state.name().to_owned(),
            cause: input.name(),
            detail: input.reason().map(|reason| reason.detail.clone()).unwrap_or_default(),
            direction: input.direction(),
            trace_id: trace_id.to_owned(),
        });
        self.events.extend(messages::event(&from, order));
        self.commands.extend(messages::commands(order, effects));
    }

    /// Goods that were set aside for an orchestrated order which was rejected for want of them. A command
    /// that was given twice may have been refused once and obeyed once, when there were goods again.
    fn late(mut self, input: &Input) -> Option<Self> {
        let late = (&self.order.state, input) == (&State::Rejected, &Input::Done(Effect::ReserveStock));
        self.commands = messages::commands(&self.order, &[Effect::ReleaseStock]);
        (late && !self.commands.is_empty()).then_some(self)
    }

    /// News that comes before its time, and is not known yet.
    fn early(mut self, input: &Input) -> Option<Self> {
        let expected = self.order.coordination == Coordination::Choreographed
            && !self.order.state.rests()
            && *input != Input::CancelRequested;
        (expected && early::keep(&mut self.order.early, input)).then_some(self)
    }
}

#[cfg(test)]
mod tests;
