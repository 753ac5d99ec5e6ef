//! How much came, how much is kept, and what became of the rest.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::store::Store;
use crate::traces::Class;

/// The observatory itself, in numbers since its start.
///
/// Each span that came is in one place: what was received is what was dropped, was repeated, is kept, was forgotten,
/// or waits (`bytes_waiting`).
#[derive(Debug, Serialize)]
pub(super) struct Status {
    pub(super) spans_received: u64,
    /// By reason. A span that came twice is none of them.
    pub(super) spans_dropped: BTreeMap<&'static str, u64>,
    /// Spans that had come before.
    pub(super) spans_repeated: u64,
    pub(super) spans_kept: usize,
    /// Spans that went when room was needed, with their traces.
    pub(super) spans_forgotten: u64,
    pub(super) traces_kept: usize,
    pub(super) traces_forgotten: u64,
    pub(super) traces_forgotten_by_class: BTreeMap<&'static str, u64>,
    pub(super) bytes_kept: usize,
    pub(super) bytes_limit: usize,
    /// Bytes that were received and wait to be kept.
    pub(super) bytes_waiting: usize,
    pub(super) bytes_waiting_limit: usize,
    /// Microseconds since 1970.
    oldest_trace_us: Option<u64>,
    pub(super) points_received: u64,
    pub(super) points_dropped: BTreeMap<&'static str, u64>,
    /// Records of logs that came; none is kept.
    pub(super) logs_received: u64,
    pub(super) requests_received: u64,
    /// Requests that were refused whole, by reason.
    pub(super) requests_refused: BTreeMap<&'static str, u64>,
    pub(super) metrics_series: usize,
    /// Points and calls for which there was no room among the numbers.
    pub(super) series_refused: u64,
}

impl Status {
    pub(super) fn of(store: &Store) -> Self {
        let intake = store.counts().snapshot();
        let (traces, series) = (store.traces().counts(), store.series().counts());
        let mut spans_dropped = intake.spans.dropped;
        spans_dropped.insert("trace_forgotten", traces.late);
        spans_dropped.insert("trace_full", traces.full);
        let mut points_dropped = intake.points.dropped;
        points_dropped.insert("no_room", series.points_refused);
        let by_class = Class::ALL.into_iter().map(|class| (class.name(), traces.forgotten[class as usize]));
        Self {
            spans_received: intake.spans.received,
            spans_dropped,
            spans_repeated: traces.repeated,
            spans_kept: traces.spans,
            spans_forgotten: traces.spans_forgotten,
            traces_kept: traces.traces,
            traces_forgotten: traces.forgotten.iter().sum(),
            traces_forgotten_by_class: by_class.collect(),
            bytes_kept: traces.bytes,
            bytes_limit: store.limits().window_bytes,
            bytes_waiting: store.waiting(),
            bytes_waiting_limit: store.limits().intake_bytes,
            oldest_trace_us: traces.oldest.map(|nanos| nanos / 1000),
            points_received: intake.points.received,
            points_dropped,
            logs_received: intake.logs.received,
            requests_received: intake.requests.received,
            requests_refused: intake.requests.dropped,
            metrics_series: series.metrics,
            series_refused: series.points_refused + series.calls_refused,
        }
    }
}
