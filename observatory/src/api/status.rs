//! How much came, how much is kept, and what became of the rest.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::store::Store;

/// The observatory itself, in numbers.
#[derive(Debug, Serialize)]
pub(super) struct Status {
    spans_received: u64,
    /// By reason. A span that came twice is none of them.
    spans_dropped: BTreeMap<&'static str, u64>,
    traces_kept: usize,
    traces_forgotten: u64,
    traces_forgotten_by_class: Forgotten,
    spans_kept: usize,
    bytes_kept: usize,
    bytes_limit: usize,
    /// Microseconds since 1970.
    oldest_trace_us: Option<u64>,
    metrics_series: usize,
    series_refused: u64,
}

#[derive(Debug, Serialize)]
struct Forgotten {
    ordinary: u64,
    slow: u64,
    failed: u64,
}

impl Status {
    pub(super) fn of(store: &Store) -> Self {
        let (intake, traces, series) = (store.intake(), store.traces().counts(), store.series().counts());
        let mut spans_dropped: BTreeMap<_, _> = [("full", 0), ("malformed", 0)].into();
        spans_dropped.extend(intake.dropped);
        spans_dropped.insert("late", traces.late);
        spans_dropped.insert("trace_full", traces.full);
        let [ordinary, slow, failed] = traces.forgotten;
        Self {
            spans_received: intake.received,
            spans_dropped,
            traces_kept: traces.traces,
            traces_forgotten: ordinary + slow + failed,
            traces_forgotten_by_class: Forgotten { ordinary, slow, failed },
            spans_kept: traces.spans,
            bytes_kept: traces.bytes,
            bytes_limit: store.limits().window_bytes,
            oldest_trace_us: traces.oldest.map(|nanos| nanos / 1000),
            metrics_series: series.metrics,
            series_refused: series.refused,
        }
    }
}
