//! How long orders take.

use std::sync::LazyLock;

use chassis::telemetry::metrics::meter;
use contracts::orders::TimelineEntry;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Histogram;

use super::between;
use crate::domain::{State, StoredOrder};

static DURATION: LazyLock<Histogram<f64>> = LazyLock::new(|| {
    meter()
        .f64_histogram("tradewind.saga.duration")
        .with_unit("s")
        .with_description("From an order's placing to its first end, by coordination and end")
        .with_boundaries(vec![0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0])
        .build()
});

/// Measures `entry`, a step of `order`, where an order that was under way ends with it. What becomes of
/// it later, when the customer likes, is no duration of ours.
pub(super) fn step(order: &StoredOrder, entry: &TimelineEntry) {
    let cancelling = entry.from.as_deref() == Some(State::Cancelling.name());
    let ends = [State::Confirmed, State::Rejected, State::Cancelled];
    if cancelling || !ends.iter().any(|end| entry.to == end.name()) {
        return;
    }
    let labels =
        [KeyValue::new("coordination", order.coordination.as_str()), KeyValue::new("end", entry.to.clone())];
    DURATION.record(between(order.placed_at, entry.at).as_secs_f64(), &labels);
}
