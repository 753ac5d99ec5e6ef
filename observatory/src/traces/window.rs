//! The traces that are kept: what is let in, and what goes for it. No lock, no clock of its own.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::sync::Arc;

use super::forgotten::Forgotten;
use super::index::{Index, Posting};
use super::query::Query;
use super::queues::{Queues, Waiting};
use super::trace::{Class, Trace};
use crate::clock::nanos;
use crate::limits::Limits;
use crate::span::{Kind, Span, Text};

/// What a span costs besides its weight: its counters, and its place in the trace, which grows by doubling.
const SPAN_BYTES: usize = 32;
/// What a trace costs besides its spans: itself, its place among the traces and in the queue.
const TRACE_BYTES: usize = 320;
/// What it costs that a trace is found by a service and an operation.
const POSTING_BYTES: usize = 96;

/// What became of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is kept.
    Kept,
    /// It was here before, not ended; now it is, and is kept in the place of the earlier one.
    Ended,
    /// It was here before: somebody sent it again.
    Again,
    /// Its trace was forgotten before it came.
    Late,
    /// Its trace has as many spans, or as many bytes, as one may have.
    Full,
}

/// How much is kept, and how much is not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Traces that are kept.
    pub traces: usize,
    /// Spans that are kept.
    pub spans: usize,
    /// Bytes that are kept, with what it takes to find them.
    pub bytes: usize,
    /// Traces that were forgotten, by class as in [`Class::ALL`].
    pub forgotten: [u64; 3],
    /// Spans that were kept once, and forgotten with their traces.
    pub spans_forgotten: u64,
    /// Spans that had come before; nothing more is kept for them.
    pub repeated: u64,
    /// Spans that came after their trace was forgotten.
    pub late: u64,
    /// Spans that came when their trace was full.
    pub full: u64,
    /// When the oldest trace began; nanoseconds since 1970.
    pub oldest: Option<u64>,
}

/// All that is kept.
#[derive(Debug)]
pub(super) struct Window {
    entries: HashMap<u128, Entry>,
    index: Index,
    queues: Queues,
    forgotten: Forgotten,
    counts: Counts,
    bytes: usize,
    /// Bytes of one trace. A part of the window, so that no trace can push out all others.
    share: usize,
    spans_of_a_trace: usize,
    slow: u64,
}

#[derive(Debug)]
struct Entry {
    trace: Arc<Trace>,
    bytes: usize,
    class: Class,
    ticket: u64,
    postings: Vec<Posting>,
}

impl Window {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            entries: HashMap::new(),
            index: Index::new(limits),
            queues: Queues::new(limits.window_bytes),
            forgotten: Forgotten::default(),
            counts: Counts::default(),
            bytes: limits.window_bytes,
            share: limits.window_bytes / 4,
            spans_of_a_trace: limits.spans_of_a_trace,
            slow: nanos(limits.slow),
        }
    }

    /// Takes a span in, and forgets as much as that needs.
    pub(super) fn insert(&mut self, span: Arc<Span>, now: u64) -> Outcome {
        let id = span.trace_id;
        if self.forgotten.contains(id) {
            self.counts.late += 1;
            return Outcome::Late;
        }
        let cost = cost_of(&span);
        let entry = match self.entries.entry(id) {
            Slot::Occupied(slot) => slot.into_mut(),
            Slot::Vacant(_) if TRACE_BYTES + cost > self.share || self.spans_of_a_trace == 0 => {
                self.counts.full += 1;
                return Outcome::Full;
            }
            Slot::Vacant(slot) => {
                self.counts.bytes += TRACE_BYTES;
                slot.insert(Entry::new(id))
            }
        };
        let place = entry.trace.place(span.span_id);
        let before = place.ok().map(|at| &entry.trace.spans()[at]);
        if before.is_some_and(|before| ended(before) || !ended(&span)) {
            self.counts.repeated += 1;
            return Outcome::Again;
        }
        let spared = before.map_or(0, |before| cost_of(before));
        let crowded = before.is_none() && entry.trace.spans().len() >= self.spans_of_a_trace;
        if crowded || entry.bytes - spared + cost > self.share {
            Arc::make_mut(&mut entry.trace).refused += 1;
            self.counts.full += 1;
            return Outcome::Full;
        }

        // While it is in no queue it is not what goes to make room for itself.
        self.queues.remove(entry.class, entry.ticket);
        let posting = self.index.add(id, &span);
        let grown = cost + if posting.is_some() { POSTING_BYTES } else { 0 };
        entry.postings.extend(posting);
        entry.bytes = entry.bytes - spared + grown;
        self.counts.bytes = self.counts.bytes - spared + grown;
        let trace = Arc::make_mut(&mut entry.trace);
        let outcome = match place {
            Ok(at) => {
                trace.replace(at, span);
                self.counts.repeated += 1;
                Outcome::Ended
            }
            Err(at) => {
                trace.add(at, span);
                self.counts.spans += 1;
                Outcome::Kept
            }
        };
        entry.class = trace.class(self.slow);
        entry.ticket = self.queues.ticket();
        let (class, ticket) = (entry.class, entry.ticket);
        let waiting = Waiting { id, bytes: entry.bytes, since: now };
        self.make_room(now);
        self.queues.push(class, ticket, waiting);
        outcome
    }

    fn make_room(&mut self, now: u64) {
        while self.counts.bytes > self.bytes {
            let Some(id) = self.queues.next(now) else { return };
            self.forget(id);
        }
    }

    fn forget(&mut self, id: u128) {
        let Some(entry) = self.entries.remove(&id) else { return };
        self.queues.remove(entry.class, entry.ticket);
        self.index.remove(id, entry.postings);
        self.counts.bytes -= entry.bytes;
        self.counts.spans -= entry.trace.spans().len();
        self.counts.spans_forgotten += entry.trace.spans().len() as u64;
        self.counts.forgotten[entry.class as usize] += 1;
        self.forgotten.insert(id);
    }

    pub(super) fn get(&self, id: u128) -> Option<Arc<Trace>> {
        self.entries.get(&id).map(|entry| entry.trace.clone())
    }

    /// All traces that a query may find, some of them twice.
    pub(super) fn candidates(&self, query: &Query) -> Vec<Arc<Trace>> {
        let keep = |entry: &&Entry| !query.excludes(&entry.trace);
        let trace = |entry: &Entry| entry.trace.clone();
        match &query.service {
            None => self.entries.values().filter(keep).map(trace).collect(),
            Some(service) => {
                let ids = self.index.lookup(service, query.operation.as_deref());
                ids.filter_map(|id| self.entries.get(&id)).filter(keep).map(trace).collect()
            }
        }
    }

    pub(super) fn services(&self) -> Vec<Text> {
        self.index.services()
    }

    pub(super) fn operations(&self, service: &str) -> Vec<(Text, Vec<Kind>)> {
        self.index.operations(service)
    }

    pub(super) fn counts(&self) -> Counts {
        let oldest = self.entries.values().map(|entry| entry.trace.start).min();
        Counts { traces: self.entries.len(), oldest, ..self.counts }
    }
}

impl Entry {
    fn new(id: u128) -> Self {
        let trace = Arc::new(Trace::new(id));
        Self { trace, bytes: TRACE_BYTES, class: Class::Ordinary, ticket: 0, postings: Vec::new() }
    }
}

fn cost_of(span: &Span) -> usize {
    span.weight() + SPAN_BYTES
}

/// A span that somebody sent while it was under way has no end yet, and so no duration.
fn ended(span: &Span) -> bool {
    span.duration > 0
}
