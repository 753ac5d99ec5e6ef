//! The lines of a waterfall, with the tree drawn before them.

use super::model::{Span, Trace};
use super::screen::{Logs, Look, Statements};

/// From here on a tree does not move further to the right, or nothing would be left for names.
const DEEPEST: usize = 16;
const STEP: usize = 3;

/// One line of the tree.
#[derive(Debug, PartialEq)]
pub(super) struct Row<'a> {
    /// The lines of the tree before its name.
    pub lead: String,
    /// The lines of the tree before what is said below it.
    pub below: String,
    pub what: What<'a>,
    /// The spans whose parent it is.
    pub children: &'a [usize],
}

/// What stands in it.
#[derive(Debug, PartialEq)]
pub(super) enum What<'a> {
    /// A span.
    Span(&'a Span),
    /// A span whose parent is not here.
    Stray(&'a Span),
    /// Statements of one parent that share a line.
    Statements(Vec<&'a Span>),
}

/// What has a row of its own.
enum Item {
    Span(usize),
    Statements(Vec<usize>),
}

/// What is still to be drawn.
struct Open {
    item: Item,
    /// The lines of the tree that run past it on its left.
    past: String,
    depth: usize,
    last: bool,
}

/// The rows of a trace, parents before their children.
pub(super) fn rows<'a>(trace: &'a Trace, look: &Look) -> Vec<Row<'a>> {
    // a trace may be thousands deep: no recursion
    let mut open = opened(trace, trace.roots(), look, "", 0);
    let mut rows = Vec::new();
    while let Some(Open { item, past, depth, last }) = open.pop() {
        let lead = lead(&past, depth, last);
        let inner = inner(&past, depth, last);
        let spans = trace.spans();
        let (what, children) = match item {
            Item::Span(at) => {
                let Some(span) = spans.get(at) else { continue };
                let what = if trace.is_stray(at) { What::Stray(span) } else { What::Span(span) };
                (what, trace.children(at))
            }
            Item::Statements(them) => {
                (What::Statements(them.iter().filter_map(|at| spans.get(*at)).collect()), &[][..])
            }
        };
        let below = format!("{inner}{}", if children.is_empty() { "   " } else { "│  " });
        open.extend(opened(trace, children, look, &inner, depth + 1));
        rows.push(Row { lead, below, what, children });
    }
    rows
}

/// Children of one parent, the last one first, since that is how they are taken.
fn opened(trace: &Trace, children: &[usize], look: &Look, past: &str, depth: usize) -> Vec<Open> {
    let items = items(trace, children, look);
    let count = items.len();
    let open = items.into_iter().enumerate().map(|(at, item)| Open {
        item,
        past: past.to_owned(),
        depth,
        last: at + 1 == count,
    });
    let mut open: Vec<_> = open.collect();
    open.reverse();
    open
}

/// Statements of one parent share a line, where the first of them stands, unless one has more to tell.
fn items(trace: &Trace, children: &[usize], look: &Look) -> Vec<Item> {
    let folds = |at: &usize| {
        look.statements == Statements::Folded
            && trace.children(*at).is_empty()
            && trace.spans().get(*at).is_some_and(|span| is_plain_statement(span, look.logs))
    };
    let folded: Vec<usize> = children.iter().copied().filter(folds).collect();
    if folded.len() < 2 {
        return children.iter().copied().map(Item::Span).collect();
    }
    let first = folded.first().copied();
    let kept = children.iter().copied().filter(|at| Some(*at) == first || !folds(at));
    let item = |at| if Some(at) == first { Item::Statements(folded.clone()) } else { Item::Span(at) };
    kept.map(item).collect()
}

fn is_plain_statement(span: &Span, logs: Logs) -> bool {
    span.statement.is_some()
        && span.failure.is_none()
        && span.links.is_empty()
        && (span.logs.is_empty() || logs == Logs::Hidden)
}

fn lead(past: &str, depth: usize, last: bool) -> String {
    match depth {
        0 => String::new(),
        1..=DEEPEST if last => format!("{past}└─ "),
        1..=DEEPEST => format!("{past}├─ "),
        _ => format!("{past}{depth}: "),
    }
}

/// The lines that run past the children.
fn inner(past: &str, depth: usize, last: bool) -> String {
    match depth {
        1..DEEPEST if last => format!("{past}{:STEP$}", ""),
        1..DEEPEST => format!("{past}│{:1$}", "", STEP - 1),
        _ => past.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::screen::Ink;
    use super::*;

    fn look(statements: Statements) -> Look {
        Look { width: 80, ink: Ink::Plain, logs: Logs::Hidden, statements }
    }

    fn span(id: &str, parent: &str, start: u64) -> Span {
        let parent = Some(parent.to_owned()).filter(|parent| !parent.is_empty());
        Span { id: id.into(), parent, start, duration: 1, operation: id.into(), ..Span::default() }
    }

    fn statement(id: &str, parent: &str, start: u64) -> Span {
        Span { statement: Some("SELECT 1".into()), ..span(id, parent, start) }
    }

    fn drawn(spans: Vec<Span>, look: &Look) -> Vec<String> {
        let trace = Trace::grown("1".into(), spans, Vec::new());
        let name = |what: &What<'_>| match what {
            What::Span(span) => span.operation.clone(),
            What::Stray(span) => format!("({})", span.operation),
            What::Statements(them) => format!("{} statements", them.len()),
        };
        rows(&trace, look).iter().map(|row| format!("{}{}", row.lead, name(&row.what))).collect()
    }

    #[test]
    fn the_tree_is_drawn_before_the_names() {
        let spans = vec![
            span("a", "", 0),
            span("b", "a", 1),
            span("c", "b", 2),
            span("d", "a", 3),
            span("e", "d", 4),
            span("f", "gone", 5),
        ];
        let tree = drawn(spans, &look(Statements::Folded));
        assert_eq!(tree, ["a", "├─ b", "│  └─ c", "└─ d", "   └─ e", "(f)"]);
    }

    #[test]
    fn what_is_said_below_a_row_does_not_cut_the_tree() {
        let trace = Trace::grown(
            "1".into(),
            vec![span("a", "", 0), span("b", "a", 1), span("c", "b", 2), span("d", "a", 3)],
            Vec::new(),
        );
        let below: Vec<_> =
            rows(&trace, &look(Statements::Folded)).into_iter().map(|row| row.below).collect();
        assert_eq!(below, ["│  ", "│  │  ", "│        ", "      "]);
    }

    #[test]
    fn statements_of_one_parent_share_a_line_unless_one_has_more_to_tell() {
        let failed = Span { failure: Some("locked".into()), ..statement("f", "a", 5) };
        let spans = vec![
            span("a", "", 0),
            statement("s", "a", 1),
            span("b", "a", 2),
            statement("t", "a", 3),
            statement("u", "b", 4),
            failed,
        ];
        let folded = drawn(spans.clone(), &look(Statements::Folded));
        assert_eq!(folded, ["a", "├─ 2 statements", "├─ b", "│  └─ u", "└─ f"]);
        let shown = drawn(spans, &look(Statements::Shown));
        assert_eq!(shown, ["a", "├─ s", "├─ b", "│  └─ u", "├─ t", "└─ f"]);
    }

    #[test]
    fn a_trace_that_is_very_deep_stays_on_the_screen() {
        let deep = |at: u64| {
            span(&at.to_string(), &at.checked_sub(1).map_or_else(String::new, |up| up.to_string()), at)
        };
        let tree = drawn((0..5000).map(deep).collect(), &look(Statements::Folded));
        assert_eq!(tree.len(), 5000);
        assert!(tree.iter().all(|line| line.chars().count() <= STEP * DEEPEST + 12), "{:?}", tree.last());
        assert!(tree[4999].ends_with("4999: 4999"), "{}", tree[4999]);
    }
}
