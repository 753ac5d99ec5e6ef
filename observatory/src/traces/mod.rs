//! The window of traces: what is in it, what goes first when it is full, how it is searched.
//!
//! Spans come in any order and in pieces. A trace is kept whole or not at all, as far as it arrived: what is decided
//! is decided when room is needed, with all that is known by then (tail sampling). Ordinary traces go first, then
//! slow ones, and those in which something failed last; of each the one that has been left alone for the longest
//! time. A trace of which something came lately is still being written, and goes only when nothing else is left, or
//! when it is ordinary and the slow or failed ones would fall below their reserve.

mod forgotten;
mod index;
mod query;
mod queues;
mod trace;
mod window;

use std::cmp::Reverse;
use std::sync::Arc;

use parking_lot::Mutex;

pub use query::Query;
pub use trace::{Class, Trace};
pub use window::{Counts, Outcome};

use crate::limits::Limits;
use crate::span::{Kind, Span, Text};
use window::Window;

/// How many spans are put in before others get their turn at the lock.
const AT_ONCE: usize = 256;

/// The window, behind one lock. Whoever reads takes `Arc`s of traces with it and works on them without the lock; a
/// trace that gets a span meanwhile is copied, as a list of pointers.
///
/// In what follows `n` is the number of traces that are kept, and `s` the number of spans of the trace in question.
#[derive(Debug)]
pub struct Traces {
    window: Mutex<Window>,
}

impl Traces {
    /// An empty window.
    pub fn new(limits: &Limits) -> Self {
        Self { window: Mutex::new(Window::new(limits)) }
    }

    /// Takes spans in at `now`, in nanoseconds since 1970, and tells what became of each. Costs O(log n + s) a span,
    /// where `s` stands for moving `s` pointers; and for each trace that goes, O(log n) and its words in the index.
    pub fn insert(&self, spans: &[Arc<Span>], now: u64) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(spans.len());
        for some in spans.chunks(AT_ONCE) {
            let mut window = self.window.lock();
            outcomes.extend(some.iter().map(|span| window.insert(span.clone(), now)));
        }
        outcomes
    }

    /// A trace by its id. Costs O(1).
    pub fn get(&self, id: u128) -> Option<Arc<Trace>> {
        self.window.lock().get(id)
    }

    /// The traces that a query finds, newest first. Costs under the lock a pointer for every trace that has the
    /// service and the operation, or for every trace at all if no service is named; without the lock O(k log k) for
    /// these `k`, and a look at their spans from the newest on, until enough are found.
    pub fn search(&self, query: &Query) -> Vec<Arc<Trace>> {
        let mut traces = self.window.lock().candidates(query);
        traces.sort_unstable_by_key(|trace| (Reverse(trace.start), trace.id));
        traces.dedup_by_key(|trace| trace.id);
        traces.into_iter().filter(|trace| query.finds(trace)).take(query.limit).collect()
    }

    /// The services that have spans in the window, by name. Costs O(services).
    pub fn services(&self) -> Vec<Text> {
        self.window.lock().services()
    }

    /// The operations of a service and their kinds, by name. Costs O(operations of the service).
    pub fn operations(&self, service: &str) -> Vec<(Text, Vec<Kind>)> {
        self.window.lock().operations(service)
    }

    /// How much is kept. Costs O(n): the oldest is looked for.
    pub fn counts(&self) -> Counts {
        self.window.lock().counts()
    }
}

#[cfg(test)]
mod tests;
