//! The last hour in numbers: rates, errors and durations counted from spans, and points of metrics as they came.
//!
//! Spans are counted as they come, so that the numbers are true whatever the window of traces forgets. Each counts
//! for its service (if it is the work that the service was asked to do: a span of kind server or consumer, or one
//! without a parent), for its operation, and together with the span on the other side for the edge between both. It
//! is counted in the step of ten seconds in which it ended.

mod call;
mod gauges;
mod histogram;
mod key;
mod pairing;
mod reading;
mod report;
mod steps;

use parking_lot::{Mutex, MutexGuard};

pub use key::{Node, NodeKind, Wire};
pub use report::{Dependency, GaugeReport, Map, MapEdge, MapNode, Numbers, OperationReport, ServiceReport};

use crate::clock::nanos;
use crate::limits::Limits;
use crate::metric::Point;
use crate::span::{Kind, Span};
use gauges::Gauges;
use key::{Key, Keys};
use pairing::{Pairing, Passage, Way};
use steps::{STEP, Steps};

/// The numbers, behind one lock.
#[derive(Debug)]
pub struct Series {
    inner: Mutex<Inner>,
}

/// How many series there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeriesCounts {
    /// Series of metrics.
    pub metrics: usize,
    /// Points that are not shown because there was no room for another series.
    pub points_refused: u64,
    /// Spans and calls that were not counted because there was no room for their numbers; a span may be several.
    pub calls_refused: u64,
}

#[derive(Debug)]
struct Inner {
    keys: Keys,
    steps: Steps,
    pairing: Pairing,
    gauges: Gauges,
    /// The first step that is remembered.
    oldest: u64,
    /// The step that is under way.
    current: u64,
    /// Since when is counted; nanoseconds since 1970. Earlier than the start, once something comes that is earlier.
    born: u64,
    refused: u64,
    /// What the span at hand made clear; kept for its room.
    passages: Vec<Passage>,
}

impl Series {
    /// Nothing yet, at `now`.
    pub fn new(limits: &Limits, now: u64) -> Self {
        let steps = (nanos(limits.memory_of_series) / STEP).max(1);
        Self {
            inner: Mutex::new(Inner {
                keys: Keys::new(limits),
                steps: Steps::new(steps, limits.series_bytes),
                pairing: Pairing::default(),
                gauges: Gauges::new(limits.series, steps),
                oldest: 0,
                current: 0,
                born: now,
                refused: 0,
                passages: Vec::new(),
            }),
        }
    }

    /// Counts a span that came at `now`. Costs O(1) on average.
    pub fn observe(&self, span: &Span, now: u64) {
        self.at(now).observe(span, now);
    }

    /// Takes a point of a metric in that came at `now`. Costs O(1).
    pub fn point(&self, point: &Point, now: u64) {
        self.at(now).gauges.point(point, now);
    }

    /// How many series there are. Costs O(1).
    pub fn counts(&self) -> SeriesCounts {
        let inner = self.inner.lock();
        SeriesCounts {
            metrics: inner.gauges.len(),
            points_refused: inner.gauges.refused(),
            calls_refused: inner.refused,
        }
    }

    /// The numbers as they are at `now`: what is too old is gone, and who waited too long for another span waits no
    /// longer. Costs O(series) once in a step.
    fn at(&self, now: u64) -> MutexGuard<'_, Inner> {
        let mut inner = self.inner.lock();
        inner.advance(now);
        inner
    }
}

impl Inner {
    fn advance(&mut self, now: u64) {
        let step = now / STEP;
        if step > self.current {
            self.current = step;
            self.oldest = self.steps.advance(now);
            let known = self.steps.first().unwrap_or(self.oldest);
            self.keys.forget_before(known);
            self.gauges.forget_before(self.oldest);
        }
        self.pairing.give_up(now, &mut self.passages);
        self.count_passages(now);
    }

    fn observe(&mut self, span: &Span, now: u64) {
        let service = self.keys.service(&span.resource.service);
        let operation = self.keys.operation(&service, &span.name);
        let asked = matches!(span.kind, Kind::Server | Kind::Consumer) || span.parent.is_none();
        let (duration, failed) = (span.duration, span.failed());
        if asked {
            self.count(Key::Service(service.clone()), span.end(), duration, failed, now);
        }
        let key = Key::Operation { service, operation, kind: span.kind };
        self.count(key, span.end(), duration, failed, now);
        self.pairing.observe(span, now, &mut self.passages);
        self.count_passages(now);
    }

    fn count_passages(&mut self, now: u64) {
        let mut passages = std::mem::take(&mut self.passages);
        for Passage { way, end, duration, failed } in passages.drain(..) {
            let key = match way {
                Way::Edge { from, to, wire } => {
                    let (from, to) = (self.keys.node(from), self.keys.node(to));
                    let within = to.kind == NodeKind::Service && wire == Wire::Http;
                    Key::Edge { from, to, wire: if within { Wire::Rest } else { wire } }
                }
                Way::Message { from, to } => {
                    Key::Message { from: self.keys.service(&from), to: self.keys.service(&to) }
                }
            };
            self.count(key, end, duration, failed, now);
        }
        self.passages = passages;
    }

    fn count(&mut self, key: Key, end: u64, duration: u64, failed: bool, now: u64) {
        // a clock that runs ahead of ours must not open steps that have not begun
        let step = end.min(now) / STEP;
        if step < self.oldest {
            return;
        }
        self.born = self.born.min(end);
        let counted = self.keys.id(key, step).map(|id| self.steps.record(step, id, duration, failed));
        if !matches!(counted, Some(Ok(()))) {
            self.refused += 1;
        }
    }
}

#[cfg(test)]
mod tests;
