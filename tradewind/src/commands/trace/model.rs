//! A trace, and its spans as a tree. Parents may be missing, ids may be used twice, and references may go in circles:
//! every span that came is in the tree exactly once, whatever they say.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::bar::Period;

/// One trace.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Trace {
    /// Its id, in hexadecimal digits.
    pub id: String,
    /// What whoever kept it has to say about it.
    pub warnings: Vec<String>,
    /// In the order in which they began.
    spans: Vec<Span>,
    roots: Vec<usize>,
    /// By span.
    children: Vec<Vec<usize>>,
    /// Those that name a parent which is not among them.
    strays: Vec<usize>,
}

/// One span.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Span {
    pub id: String,
    pub parent: Option<String>,
    pub service: String,
    pub operation: String,
    pub kind: Kind,
    /// What carried it: `rest`, `grpc`, `amqp`, `local`, `sql`; nothing where it does not say.
    pub wire: String,
    /// Whom it called, as far as it says.
    pub peer: Option<String>,
    /// In microseconds since 1970.
    pub start: u64,
    /// In microseconds.
    pub duration: u64,
    /// What went wrong, if it failed.
    pub failure: Option<String>,
    /// The statement, where it is one of a database.
    pub statement: Option<String>,
    /// Other spans that it follows from.
    pub links: Vec<Link>,
    pub logs: Vec<Log>,
    /// What whoever kept it has to say about it.
    pub warnings: Vec<String>,
}

/// Which side of a boundary a span tells of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Kind {
    Client,
    Server,
    Producer,
    Consumer,
    /// No boundary, or none that is said.
    #[default]
    Internal,
}

/// A span of this trace or another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub trace: String,
    pub span: String,
}

/// Something that was written while a span was under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Log {
    /// In microseconds since 1970.
    pub at: u64,
    /// Its level, or nothing.
    pub level: String,
    /// What was written.
    pub words: String,
}

impl Span {
    /// When it was under way.
    pub fn period(&self) -> Period {
        Period { start: self.start, end: self.start.saturating_add(self.duration) }
    }
}

impl Trace {
    /// Makes a tree of spans that name their parents.
    pub fn grown(id: String, mut spans: Vec<Span>, warnings: Vec<String>) -> Self {
        spans.sort_by_key(|span| (span.start, Reverse(span.duration)));
        let mut known = HashMap::new();
        for (at, span) in spans.iter().enumerate() {
            known.entry(span.id.as_str()).or_insert(at);
        }
        let (mut roots, mut strays) = (Vec::new(), Vec::new());
        let mut parents = vec![None; spans.len()];
        let mut children = vec![Vec::new(); spans.len()];
        for (at, span) in spans.iter().enumerate() {
            match span.parent.as_deref().map(|parent| known.get(parent)) {
                Some(Some(parent)) => {
                    parents[at] = Some(*parent);
                    children[*parent].push(at);
                }
                Some(None) => {
                    strays.push(at);
                    roots.push(at);
                }
                None => roots.push(at),
            }
        }
        cut_circles(&mut roots, &mut children, &parents);
        roots.sort_unstable();
        Self { id, warnings, spans, roots, children, strays }
    }

    /// Its spans, in the order in which they began.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Those that have no parent here.
    pub fn roots(&self) -> &[usize] {
        &self.roots
    }

    /// The spans whose parent `span` is.
    pub fn children(&self, span: usize) -> &[usize] {
        self.children.get(span).map_or(&[], Vec::as_slice)
    }

    /// How many name a parent that is not here.
    pub fn strays(&self) -> usize {
        self.strays.len()
    }

    /// Whether `span` names a parent that is not here.
    pub fn is_stray(&self, span: usize) -> bool {
        self.strays.binary_search(&span).is_ok()
    }

    /// When it was under way.
    pub fn period(&self) -> Period {
        let ends = self.spans.iter().map(|span| span.period().end);
        let start = self.spans.first().map_or(0, |first| first.start);
        Period { start, end: ends.max().unwrap_or(start) }
    }

    /// Whether nothing shows that more will come: no parent is missing, and whoever was called has told its side.
    pub fn is_whole(&self) -> bool {
        let unanswered = |(at, span): (usize, &Span)| {
            span.kind == Kind::Client
                && span.peer.is_some()
                && span.failure.is_none()
                && self.children(at).is_empty()
        };
        self.strays.is_empty() && !self.spans.iter().enumerate().any(unanswered)
    }
}

/// Spans that no root leads to hang in circles. Each circle is cut at the span of it that began first.
fn cut_circles(roots: &mut Vec<usize>, children: &mut [Vec<usize>], parents: &[Option<usize>]) {
    let mut reached = vec![false; parents.len()];
    let mut open = roots.clone();
    for at in 0..=parents.len() {
        while let Some(span) = open.pop() {
            if !std::mem::replace(&mut reached[span], true) {
                open.extend(&children[span]);
            }
        }
        if at < parents.len() && !reached[at] {
            if let Some(parent) = parents[at] {
                children[parent].retain(|child| *child != at);
            }
            roots.push(at);
            open.push(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span(id: &str, parent: &str, start: u64) -> Span {
        let parent = Some(parent.to_owned()).filter(|parent| !parent.is_empty());
        Span { id: id.into(), parent, start, duration: 10, ..Span::default() }
    }

    fn grown(spans: Vec<Span>) -> Trace {
        Trace::grown("1".into(), spans, Vec::new())
    }

    /// Every span, parents before their children.
    fn walked(trace: &Trace) -> Vec<usize> {
        let (mut open, mut seen) = (trace.roots().to_vec(), Vec::new());
        while let Some(at) = open.pop() {
            seen.push(at);
            assert!(seen.len() <= trace.spans().len(), "a circle");
            open.extend(trace.children(at));
        }
        seen
    }

    #[test]
    fn children_stand_below_their_parent_in_the_order_in_which_they_began() {
        let trace = grown(vec![span("c", "a", 5), span("b", "a", 3), span("a", "", 1)]);
        let ids: Vec<_> = trace.spans().iter().map(|span| span.id.as_str()).collect();
        assert_eq!((ids, trace.roots(), trace.children(0)), (vec!["a", "b", "c"], &[0][..], &[1, 2][..]));
        assert_eq!(trace.period(), Period { start: 1, end: 15 });
        assert!(trace.is_whole());
    }

    #[test]
    fn a_span_whose_parent_has_not_come_is_a_root_and_the_trace_is_not_whole() {
        let trace = grown(vec![span("a", "", 1), span("b", "gone", 2)]);
        assert_eq!((trace.roots(), trace.strays(), trace.is_whole()), (&[0, 1][..], 1, false));
        assert!(trace.is_stray(1) && !trace.is_stray(0));
    }

    #[test]
    fn a_call_whose_other_side_has_not_told_of_it_is_not_whole() {
        let call = Span { kind: Kind::Client, peer: Some("orders".into()), ..span("b", "a", 2) };
        assert!(!grown(vec![span("a", "", 1), call.clone()]).is_whole());
        assert!(grown(vec![span("a", "", 1), call.clone(), span("c", "b", 3)]).is_whole());
        let failed = Span { failure: Some("no answer".into()), ..call };
        assert!(grown(vec![span("a", "", 1), failed]).is_whole(), "nobody may have been there");
    }

    #[test]
    fn circles_are_cut_where_they_begin() {
        let trace = grown(vec![span("a", "", 1), span("b", "c", 2), span("c", "b", 3), span("d", "d", 4)]);
        assert_eq!((trace.roots(), trace.children(1)), (&[0, 1, 3][..], &[2][..]));
        assert!(trace.children(2).is_empty() && trace.children(3).is_empty());
    }

    proptest! {
        #[test]
        fn every_span_is_in_the_tree_once(edges in prop::collection::vec((0..12_u8, 0..14_u8), 0..40)) {
            let spans: Vec<_> = edges
                .iter()
                .zip(0..)
                .map(|((id, parent), start)| span(&id.to_string(), &parent.to_string(), start % 7))
                .collect();
            let trace = grown(spans);
            let mut walked = walked(&trace);
            walked.sort_unstable();
            prop_assert_eq!(walked, (0..edges.len()).collect::<Vec<_>>());
        }
    }
}
