//! Where the intake leads to.

use crate::metric::Point;
use crate::span::Span;

/// Keeps what was received. Called by one task, which waits for it: it is quick, and does not block.
pub trait Keep: Send + Sync + 'static {
    /// Spans of one request.
    fn spans(&self, spans: Vec<Span>);
    /// Points of one request.
    fn points(&self, points: Vec<Point>);
}
