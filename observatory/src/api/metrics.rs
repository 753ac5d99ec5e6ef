//! The status as Prometheus reads it.

use std::fmt::{Display, Write as _};

use super::status::Status;

/// Before each name.
const PREFIX: &str = "tradewind_observatory_";

/// A status in Prometheus' text format.
pub(super) fn text(status: &Status) -> String {
    let mut page = Page(String::new());
    page.counter("spans_received_total", "Spans that came.", status.spans_received);
    page.counters("spans_dropped_total", "Spans that were not kept.", "reason", &status.spans_dropped);
    page.counter("spans_repeated_total", "Spans that had come before.", status.spans_repeated);
    page.counter("spans_forgotten_total", "Spans that made room for others.", status.spans_forgotten);
    page.gauge("spans", "Spans that are kept.", status.spans_kept);
    page.gauge("traces", "Traces that are kept.", status.traces_kept);
    let forgotten = &status.traces_forgotten_by_class;
    page.counters("traces_forgotten_total", "Traces that made room for others.", "class", forgotten);
    page.gauge("window_bytes", "Bytes of the traces that are kept.", status.bytes_kept);
    page.gauge("window_limit_bytes", "Bytes that the traces may take.", status.bytes_limit);
    page.gauge("intake_bytes", "Bytes that were received and wait to be kept.", status.bytes_waiting);
    page.counter("points_received_total", "Points of metrics that came.", status.points_received);
    page.counters("points_dropped_total", "Points that were not kept.", "reason", &status.points_dropped);
    page.counter("logs_received_total", "Records of logs that came; none is kept.", status.logs_received);
    page.counter("requests_received_total", "Requests of OTLP that came.", status.requests_received);
    let refused = &status.requests_refused;
    page.counters("requests_refused_total", "Requests that were refused whole.", "reason", refused);
    page.gauge("series", "Time series of metrics that are kept.", status.metrics_series);
    page.counter("series_refused_total", "Points and calls without a place.", status.series_refused);
    page.0
}

struct Page(String);

impl Page {
    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, help, "counter");
        self.line(name, "", value);
    }

    /// Labels are names of ours, in which nothing needs to be escaped.
    fn counters<'a>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'a &'static str, &'a u64)>,
    ) {
        self.head(name, help, "counter");
        for (is, value) in values {
            self.line(name, &format!("{{{label}=\"{is}\"}}"), value);
        }
    }

    fn gauge(&mut self, name: &str, help: &str, value: usize) {
        self.head(name, help, "gauge");
        self.line(name, "", value);
    }

    fn head(&mut self, name: &str, help: &str, kind: &str) {
        // writing to a text never fails
        let _ = writeln!(self.0, "# HELP {PREFIX}{name} {help}\n# TYPE {PREFIX}{name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &str, value: impl Display) {
        let _ = writeln!(self.0, "{PREFIX}{name}{labels} {value}");
    }
}
