//! All that is kept, under one roof: the window of traces, the numbers, and the routes by which they are asked.

use std::sync::{Arc, OnceLock};

use axum::Router;
use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::counts::Counts;
use crate::intake::Intake;
use crate::keep::Keep;
use crate::limits::Limits;
use crate::metric::Point;
use crate::series::Series;
use crate::span::Span;
use crate::traces::{Outcome, Traces};
use crate::{api, jaeger};

/// Searches, and answers that are large, under way at once. Each may hold an answer as large as the window.
const READERS: usize = 2;

/// What is kept.
pub struct Store {
    limits: Limits,
    clock: Arc<dyn Clock>,
    traces: Traces,
    series: Series,
    /// What is received, before it comes here.
    counts: Arc<Counts>,
    /// Where it waits until it comes here.
    intake: OnceLock<Intake>,
    readers: Arc<Semaphore>,
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
            clock: Arc::new(clock),
            counts: Arc::default(),
            intake: OnceLock::new(),
            readers: Arc::new(Semaphore::new(READERS)),
        }
    }

    /// Names the intake that leads here, for the status. Who is named first stays.
    pub(crate) fn fed_by(&self, intake: Intake) {
        // a second one is a mistake of the assembly, and harmless
        let _ = self.intake.set(intake);
    }

    /// Takes spans in: counts them, and keeps them as long as there is room. Costs for each what
    /// [`Traces::insert`] and [`Series::observe`] cost.
    pub fn insert(&self, spans: Vec<Span>) {
        let now = self.now();
        let spans: Vec<Arc<Span>> = spans.into_iter().map(Arc::new).collect();
        let outcomes = self.traces.insert(&spans, now);
        for (span, outcome) in spans.iter().zip(outcomes) {
            // A span that is not kept happened nonetheless. One that came twice happened once.
            if !matches!(outcome, Outcome::Again | Outcome::Ended) {
                self.series.observe(span, now);
            }
        }
    }

    /// Takes points of metrics in. Costs for each what [`Series::point`] costs.
    pub fn insert_points(&self, points: &[Point]) {
        let now = self.now();
        points.iter().for_each(|point| self.series.point(point, now));
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

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    /// What was received, and refused before it came here.
    pub fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }

    /// Bytes that wait to come here.
    pub(crate) fn waiting(&self) -> usize {
        self.intake.get().map_or(0, Intake::waiting)
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

impl Keep for Store {
    fn spans(&self, spans: Vec<Span>) {
        self.insert(spans);
    }

    fn points(&self, points: Vec<Point>) {
        self.insert_points(&points);
    }
}

/// Jaeger's query API and what the pages ask besides.
pub fn routes(store: Arc<Store>) -> Router {
    jaeger::routes().merge(api::routes()).with_state(store)
}
