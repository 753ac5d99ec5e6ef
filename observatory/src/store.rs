//! All that is kept, under one roof: the window of traces, the numbers, and the routes by which they are asked.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use axum::Router;
use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::limits::Limits;
use crate::series::{Point, Series};
use crate::span::Span;
use crate::traces::{Outcome, Traces};
use crate::{api, jaeger};

/// Searches, and answers that are large, under way at once. Each may hold an answer as large as the window.
const READERS: usize = 2;

/// What is kept.
pub struct Store {
    limits: Limits,
    clock: Box<dyn Clock>,
    traces: Traces,
    series: Series,
    received: AtomicU64,
    intake: OnceLock<Box<dyn Intake>>,
    readers: Arc<Semaphore>,
}

/// Counts what comes in, before it comes to the store.
pub trait Intake: Send + Sync + 'static {
    /// What it counted so far.
    fn counts(&self) -> IntakeCounts;
}

/// What came in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IntakeCounts {
    /// Spans that came, dropped ones included.
    pub received: u64,
    /// Spans that never came to the store, by reason: `full`, `malformed`, ….
    pub dropped: Vec<(&'static str, u64)>,
}

/// A reader was broken off: its process is ending, or it panicked, which the log tells.
#[derive(Debug, thiserror::Error)]
#[error("the work for this answer was broken off")]
pub(crate) struct Interrupted;

impl Store {
    /// An empty one.
    pub fn new(limits: Limits, clock: impl Clock) -> Self {
        Self {
            traces: Traces::new(&limits),
            series: Series::new(&limits, clock.now()),
            limits,
            clock: Box::new(clock),
            received: AtomicU64::new(0),
            intake: OnceLock::new(),
            readers: Arc::new(Semaphore::new(READERS)),
        }
    }

    /// Names who counts what comes in, for the status. Without one the store tells of what came to it. Who is named
    /// first stays.
    pub fn counted_by(&self, intake: impl Intake) {
        // a second one is a mistake of the assembly, and harmless
        let _ = self.intake.set(Box::new(intake));
    }

    /// Takes spans in: counts them, and keeps them as long as there is room. Costs for each what
    /// [`Traces::insert`] and [`Series::observe`] cost.
    pub fn insert(&self, spans: Vec<Span>) {
        let now = self.now();
        self.received.fetch_add(spans.len() as u64, Ordering::Relaxed);
        let spans: Vec<Arc<Span>> = spans.into_iter().map(Arc::new).collect();
        let outcomes = self.traces.insert(&spans, now);
        for (span, outcome) in spans.iter().zip(outcomes) {
            // A span that is not kept happened nonetheless. One that came twice happened once.
            if !matches!(outcome, Outcome::Again | Outcome::Ended) {
                self.series.observe(span, now);
            }
        }
    }

    /// Takes a point of a metric in.
    pub fn point(&self, point: Point) {
        self.series.point(point, self.now());
    }

    /// The window of traces.
    pub fn traces(&self) -> &Traces {
        &self.traces
    }

    /// The numbers.
    pub fn series(&self) -> &Series {
        &self.series
    }

    /// Its bounds.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Nanoseconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        self.clock.now()
    }

    pub(crate) fn intake(&self) -> IntakeCounts {
        let own = || IntakeCounts { received: self.received.load(Ordering::Relaxed), dropped: Vec::new() };
        self.intake.get().map_or_else(own, |intake| intake.counts())
    }

    /// Reads where it holds nobody up: beside the tasks that serve, and no more than a few at once.
    pub(crate) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, Interrupted> {
        let place = self.readers.clone().acquire_owned().await.map_err(|_| Interrupted)?;
        let store = self.clone();
        // The place goes along: work goes on when the client has left, and must not be forgotten then.
        let reading = tokio::task::spawn_blocking(move || {
            let _place = place;
            work(&store)
        });
        reading.await.map_err(|_| Interrupted)
    }
}

/// Jaeger's query API and what the pages ask besides.
pub fn routes(store: Arc<Store>) -> Router {
    jaeger::routes().merge(api::routes()).with_state(store)
}
