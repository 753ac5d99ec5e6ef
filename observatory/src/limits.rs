//! How much is taken in, and kept. Whatever anybody sends, the observatory stays within these.

use std::time::Duration;

/// The bounds of one observatory.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of spans that the window keeps, as [`crate::span::Span::weight`] counts them.
    pub window_bytes: usize,
    /// Spans of one trace; what comes beyond is dropped and counted.
    pub spans_of_a_trace: usize,
    /// Bytes of spans that wait to be put into the window. What comes while it is full is dropped and counted.
    pub intake_bytes: usize,
    /// Bytes of one request of OTLP, after decompression.
    pub request_bytes: usize,
    /// Connections to each of the ports; whoever comes while so many are open waits.
    pub connections: usize,
    /// Attributes of one span, one event, one link or one resource.
    pub attributes: usize,
    /// Bytes of one text: a key, a value. Longer ones are cut.
    pub text_bytes: usize,
    /// Bytes of one name: of a service, a span, a metric, a unit. Names are remembered for longer than what they name.
    pub name_bytes: usize,
    /// Events of one span, and links of one span.
    pub events_and_links: usize,
    /// Different services; spans of further ones are counted as of one service `(others)`.
    pub services: usize,
    /// Different operations of a service; those beyond are one operation `(others)`.
    pub operations_of_a_service: usize,
    /// Time series of metrics.
    pub series: usize,
    /// Bytes of what tells a series from others: its name, its unit, its attributes.
    pub series_identity_bytes: usize,
    /// How long numbers are kept.
    pub memory_of_series: Duration,
    /// Bytes of the numbers that are counted from spans. Where these are not enough for as long as that, what is
    /// oldest goes earlier.
    pub series_bytes: usize,
    /// Bytes of the traces of one answer, as they are kept; as JSON they are about twice as many.
    pub answer_bytes: usize,
    /// How far ahead of this machine's clock a span may begin.
    pub ahead: Duration,
    /// How long ago a span may have begun.
    pub behind: Duration,
    /// A trace that takes this long is slow, and kept longer than others.
    pub slow: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            window_bytes: 20 << 20,
            spans_of_a_trace: 10_000,
            intake_bytes: 4 << 20,
            request_bytes: 4 << 20,
            connections: 128,
            attributes: 64,
            text_bytes: 1024,
            name_bytes: 256,
            events_and_links: 32,
            services: 200,
            operations_of_a_service: 200,
            series: 2000,
            series_identity_bytes: 1024,
            memory_of_series: Duration::from_secs(3600),
            series_bytes: 12 << 20,
            answer_bytes: 4 << 20,
            ahead: Duration::from_secs(600),
            behind: Duration::from_secs(24 * 3600),
            slow: Duration::from_secs(1),
        }
    }
}
