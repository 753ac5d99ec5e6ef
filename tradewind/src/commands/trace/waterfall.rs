//! A trace, drawn: a line a span, with the tree on the left and its time as a bar on the right.

use std::collections::BTreeSet;

use super::bar::{Period, bar};
use super::model::{Kind, Link, Span, Trace};
use super::rows::{Row, What, rows};
use super::scale::took;
use super::screen::{Colour, Logs, Look, Statements};
use crate::text;

/// Between two columns.
const GAP: &str = "  ";
/// How wide a duration may be: `25 min 05 s`.
const LONGEST: usize = 11;
/// No bar is narrower, nor is the column of names.
const NARROWEST: usize = 12;
/// How much of the width names may take, of a hundred.
const NAMES: usize = 50;
/// Log lines of one span that are shown; `--json` has all.
const MOST_LOGS: usize = 50;
/// What marks a span that failed, beside the words below it.
const FAILED: &str = "✗ ";

/// Draws a trace; `url` is where it came from.
pub(super) fn draw(trace: &Trace, url: &str, look: &Look) -> String {
    let lines: Vec<_> = rows(trace, look).into_iter().map(|row| Line::of(row, trace)).collect();
    let columns = Columns::of(&lines, look);
    let mut drawn = head(trace, url, look);
    drawn.push('\n');
    drawn.push_str(&columns.ruler(trace, look));
    for line in &lines {
        drawn.push_str(&columns.row(line, trace, look));
        for note in line.notes(trace, look) {
            let words = cut(&format!("{}{note}", line.row.below), look.width);
            let colour = if note.starts_with(FAILED) { Colour::Failed } else { Colour::Faint };
            drawn.push_str(&look.ink.paint(colour, words.trim_end()));
            drawn.push('\n');
        }
    }
    drawn
}

/// What the whole trace is.
fn head(trace: &Trace, url: &str, look: &Look) -> String {
    let Period { start, end } = trace.period();
    let services: BTreeSet<_> = trace.spans().iter().map(|span| span.service.as_str()).collect();
    let failed = trace.spans().iter().filter(|span| span.failure.is_some()).count();
    let failed = if failed == 0 { String::new() } else { format!(", {failed} failed") };
    let id = &trace.id;
    let mut head = format!(
        "trace {id}: {} of {} in {}{failed}\n{url}/trace/{id}\n",
        text::count(trace.spans().len(), "span"),
        text::count(services.len(), "service"),
        took(end - start),
    );
    let strays = match trace.strays() {
        0 => None,
        count => Some(format!(
            "{} a parent that is not here: it was dropped, is not sampled, or is still on its way",
            if count == 1 { "1 span names".to_owned() } else { format!("{count} spans name") },
        )),
    };
    for warning in strays.iter().chain(&trace.warnings) {
        head.push_str(&format!("{}\n", cut(&format!("warning: {warning}"), look.width)));
    }
    head
}

/// A row, with what stands in its columns.
struct Line<'a> {
    row: Row<'a>,
    name: String,
    wire: &'a str,
    periods: Vec<Period>,
    took: u64,
    /// What went wrong, where nobody below it says so already.
    failure: Option<&'a str>,
    failed: bool,
}

impl<'a> Line<'a> {
    fn of(row: Row<'a>, trace: &'a Trace) -> Self {
        let (name, wire, failure, spans) = match &row.what {
            What::Span(span) => (name(span), span.wire.as_str(), span.failure.as_deref(), vec![*span]),
            What::Stray(span) => {
                (format!("… {}", name(span)), span.wire.as_str(), span.failure.as_deref(), vec![*span])
            }
            What::Statements(them) => {
                let service = them.first().map_or("", |first| first.service.as_str());
                (format!("{service} → {} statements", them.len()), "sql", None, them.clone())
            }
        };
        let said_below = |failure: &str| {
            let mut children = row.children.iter().filter_map(|child| trace.spans().get(*child));
            children.any(|child| child.failure.as_deref() == Some(failure))
        };
        let failed = failure.is_some();
        let failure = failure.filter(|failure| !said_below(failure));
        let periods = spans.iter().map(|span| span.period()).collect();
        let took = spans.iter().fold(0_u64, |sum, span| sum.saturating_add(span.duration));
        Self { row, name, wire, periods, took, failure, failed }
    }

    /// What stands before the bar.
    fn label(&self) -> String {
        let mark = if self.failed { FAILED } else { "" };
        format!("{}{mark}{}", self.row.lead, self.name)
    }

    /// What is said below the row.
    fn notes(&self, trace: &Trace, look: &Look) -> Vec<String> {
        let (What::Span(span) | What::Stray(span)) = &self.row.what else { return Vec::new() };
        let mut notes: Vec<String> = Vec::new();
        notes.extend(self.failure.map(|failure| format!("{FAILED}failed: {failure}")));
        notes.extend(span.links.iter().map(|link| follows(link, trace)));
        notes.extend(span.warnings.iter().map(|warning| format!("warning: {warning}")));
        if let (Statements::Shown, Some(statement)) = (look.statements, &span.statement)
            && !statement.is_empty()
        {
            notes.push(statement.clone());
        }
        if look.logs == Logs::Shown {
            let begun = trace.period().start;
            notes.extend(span.logs.iter().take(MOST_LOGS).map(|log| {
                let at = took(log.at.saturating_sub(begun));
                format!("· +{at} {}", format!("{} {}", log.level, log.words).trim_start())
            }));
            let more = span.logs.len().saturating_sub(MOST_LOGS);
            notes.extend((more > 0).then(|| format!("· {more} more, which --json has")));
        }
        notes
    }
}

/// What a span is called: who did what, and whom it called.
fn name(span: &Span) -> String {
    let Span { service, operation, kind, peer, .. } = span;
    match (kind, peer) {
        // the name of an operation of ours begins with its module's
        (Kind::Client, Some(peer)) if !operation.starts_with(peer.as_str()) => {
            format!("{service} → {peer} {operation}")
        }
        (Kind::Client | Kind::Producer, _) => format!("{service} → {operation}"),
        (Kind::Server | Kind::Consumer | Kind::Internal, _) => format!("{service} {operation}"),
    }
}

/// What a span follows from: a span of this trace by its name, one of another by how to see it.
fn follows(link: &Link, trace: &Trace) -> String {
    let Link { trace: id, span } = link;
    if *id != trace.id {
        // its id first, since that is what one goes on with
        return format!("↩ follows from trace {id}, span {span}");
    }
    match trace.spans().iter().find(|other| other.id == *span) {
        Some(other) => {
            let at = took(other.start.saturating_sub(trace.period().start));
            format!("↩ follows from {}, at +{at}", name(other))
        }
        None => format!("↩ follows from span {span}, which is not here"),
    }
}

/// How wide each column is.
struct Columns {
    names: usize,
    wires: usize,
    bars: usize,
    times: usize,
}

impl Columns {
    fn of(lines: &[Line<'_>], look: &Look) -> Self {
        let widest = |width: &dyn Fn(&Line<'_>) -> usize| lines.iter().map(width).max().unwrap_or(0);
        let wires = widest(&|line| line.wire.chars().count()).min(NARROWEST);
        let times = widest(&|line| took(line.took).chars().count()).min(LONGEST);
        let rest = look.width.saturating_sub(wires + times + 3 * GAP.len());
        let most = (look.width * NAMES / 100).min(rest.saturating_sub(NARROWEST)).max(NARROWEST);
        let names = widest(&|line| line.label().chars().count()).min(most);
        Self { names, wires, bars: rest.saturating_sub(names).max(NARROWEST), times }
    }

    /// Where the bars begin, and where they end.
    fn ruler(&self, trace: &Trace, look: &Look) -> String {
        let Period { start, end } = trace.period();
        let (before, end) = (self.names + self.wires + 2 * GAP.len(), cut(&took(end - start), LONGEST));
        let line = format!("{:before$}0{end:>1$}", "", self.bars - 1);
        format!("{}\n", look.ink.paint(Colour::Faint, &line))
    }

    fn row(&self, line: &Line<'_>, trace: &Trace, look: &Look) -> String {
        let Self { names, wires, bars, times } = *self;
        let label = cut(&line.label(), names);
        let label = format!("{label:<names$}");
        let tree = line.row.lead.chars().count().min(names);
        let (lead, name): (String, String) =
            (label.chars().take(tree).collect(), label.chars().skip(tree).collect());
        let bar = bar(line.periods.iter().copied(), trace.period(), bars);
        let wire = cut(line.wire, wires);
        let (name, bar) = if line.failed {
            (look.ink.paint(Colour::Failed, &name), look.ink.paint(Colour::Failed, &bar))
        } else {
            (name, look.ink.paint(Colour::Bar, &bar))
        };
        let lead = look.ink.paint(Colour::Faint, &lead);
        format!("{lead}{name}{GAP}{wire:<wires$}{GAP}{bar}{GAP}{:>times$}\n", cut(&took(line.took), times))
    }
}

/// A text of at most `width` characters.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests;
