//! One trace, as far as it arrived.

use std::sync::Arc;

use crate::span::Span;

/// What decides how long a trace is kept: when room is needed, classes go in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Nothing is remarkable about it.
    Ordinary,
    /// From its first beginning to its last end it took [`crate::limits::Limits::slow`] or longer.
    Slow,
    /// One of its spans failed.
    Failed,
}

impl Class {
    /// All of them, the first to go first.
    pub const ALL: [Self; 3] = [Self::Ordinary, Self::Slow, Self::Failed];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ordinary => "ordinary",
            Self::Slow => "slow",
            Self::Failed => "failed",
        }
    }
}

/// The spans of one trace.
#[derive(Debug, Clone)]
pub struct Trace {
    /// Whose spans they are.
    pub id: u128,
    /// When the first of them began; nanoseconds since 1970.
    pub start: u64,
    /// When the last of them ended; nanoseconds since 1970.
    pub end: u64,
    /// The duration of the longest; nanoseconds.
    pub longest: u64,
    /// How many came and found the trace full.
    pub refused: u64,
    failed: bool,
    /// In order of their ids, so that one is found without an index of its own.
    spans: Vec<Arc<Span>>,
}

impl Trace {
    pub(super) fn new(id: u128) -> Self {
        Self { id, start: u64::MAX, end: 0, longest: 0, refused: 0, failed: false, spans: Vec::new() }
    }

    /// Its spans, in order of their ids.
    pub fn spans(&self) -> &[Arc<Span>] {
        &self.spans
    }

    /// About how many bytes its spans take.
    pub(crate) fn weight(&self) -> usize {
        self.spans.iter().map(|span| span.weight()).sum()
    }

    pub(super) fn class(&self, slow: u64) -> Class {
        if self.failed {
            Class::Failed
        } else if self.end.saturating_sub(self.start) >= slow {
            Class::Slow
        } else {
            Class::Ordinary
        }
    }

    /// Where a span is, or where it belongs.
    pub(super) fn place(&self, span_id: u64) -> Result<usize, usize> {
        self.spans.binary_search_by_key(&span_id, |span| span.span_id)
    }

    pub(super) fn add(&mut self, at: usize, span: Arc<Span>) {
        self.note(&span);
        self.spans.insert(at, span);
    }

    /// Puts a span in the place of what was known of it before.
    pub(super) fn replace(&mut self, at: usize, span: Arc<Span>) {
        self.spans[at] = span;
        (self.start, self.end, self.longest, self.failed) = (u64::MAX, 0, 0, false);
        let spans = std::mem::take(&mut self.spans);
        spans.iter().for_each(|span| self.note(span));
        self.spans = spans;
    }

    fn note(&mut self, span: &Span) {
        self.start = self.start.min(span.start);
        self.end = self.end.max(span.end());
        self.longest = self.longest.max(span.duration);
        self.failed |= span.failed();
    }
}
