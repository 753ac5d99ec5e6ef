//! Traces as pictures: a line a span, and what is below a span stands further in.
//!
//! ```text
//! gateway server POST /api/orders
//!   gateway client POST
//!     orders server orders.place
//! ```
//!
//! A line is service, kind and name; `✗` and the type of the error follow where there is one. Children stand in the
//! order in which they began.

use super::span::{Span, Trace};

/// A line of a picture, and what is below it.
#[derive(Debug)]
struct Line<'a> {
    text: &'a str,
    below: Vec<Line<'a>>,
}

impl Trace {
    /// What it looks like.
    pub fn picture(&self) -> String {
        let mut picture = String::new();
        for root in self.roots() {
            self.draw(root, 0, &mut picture);
        }
        picture
    }

    fn draw(&self, span: &Span, depth: usize, picture: &mut String) {
        picture.push_str(&"  ".repeat(depth));
        picture.push_str(&line(span));
        picture.push('\n');
        // no trace is as deep as it has spans, unless it runs in a circle
        if depth <= self.spans.len() {
            self.children(&span.id).for_each(|child| self.draw(child, depth + 1, picture));
        }
    }

    /// Whether it looks exactly like `picture`.
    pub fn looks_like(&self, picture: &str) -> Result<(), String> {
        let (wanted, seen) = (dedented(picture), self.picture());
        if wanted == seen { Ok(()) } else { Err(format!("wanted:\n{wanted}\nseen:\n{seen}")) }
    }

    /// Whether all that `picture` shows is in it, children below their parents; other spans may stand beside them, in
    /// any order. A line that ends with `…` stands for every span whose line begins so.
    pub fn shows(&self, picture: &str) -> Result<(), String> {
        let picture = dedented(picture);
        let lines: Vec<&str> = picture.lines().collect();
        let roots: Vec<&Span> = self.roots().collect();
        if self.each_has(&parse(&lines), &roots) {
            return Ok(());
        }
        Err(format!("wanted, besides others:\n{picture}\nseen:\n{}", self.picture()))
    }

    /// Whether each line has a span of its own among `spans` that shows it and all that is below it.
    fn each_has(&self, lines: &[Line<'_>], spans: &[&Span]) -> bool {
        let Some((first, rest)) = lines.split_first() else { return true };
        spans.iter().enumerate().any(|(at, span)| {
            let below: Vec<&Span> = self.children(&span.id).collect();
            let mut others = spans.to_vec();
            others.remove(at);
            first.stands_for(span) && self.each_has(&first.below, &below) && self.each_has(rest, &others)
        })
    }
}

impl Line<'_> {
    fn stands_for(&self, span: &Span) -> bool {
        let seen = line(span);
        match self.text.strip_suffix('…') {
            Some(beginning) => seen.starts_with(beginning),
            None => seen == self.text,
        }
    }
}

fn line(span: &Span) -> String {
    let Span { service, name, .. } = span;
    let error = match (span.failed(), span.tag("error.type")) {
        (true, Some(kind)) => format!(" ✗ {kind}"),
        (true, None) => " ✗".to_owned(),
        (false, _) => String::new(),
    };
    format!("{service} {} {name}{error}", span.kind.as_str())
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// A picture of a test, without the indentation that all of it has.
fn dedented(picture: &str) -> String {
    let lines: Vec<&str> = picture.lines().filter(|line| !line.trim().is_empty()).collect();
    let common = lines.iter().map(|line| indentation(line)).min().unwrap_or(0);
    lines.iter().map(|line| format!("{}\n", line[common..].trim_end())).collect()
}

fn parse<'a>(lines: &[&'a str]) -> Vec<Line<'a>> {
    let mut parsed = Vec::new();
    let mut rest = lines;
    while let Some((first, others)) = rest.split_first() {
        let depth = indentation(first);
        let below = others.iter().take_while(|line| indentation(line) > depth).count();
        parsed.push(Line { text: first.trim(), below: parse(&others[..below]) });
        rest = &others[below..];
    }
    parsed
}

#[cfg(test)]
mod tests {
    use super::super::testing::trace;
    use super::*;

    const AN_ORDER: &str = "
        gateway server POST /api/orders
          orders server orders.place
            orders producer publish a
            orders producer publish b
              inventory consumer process b
            orders client inventory.reserve
    ";

    fn an_order() -> Trace {
        trace(AN_ORDER)
    }

    #[test]
    fn a_trace_is_drawn_as_it_is_described() {
        an_order().looks_like(AN_ORDER).unwrap_or_else(|why| panic!("{why}"));
        assert!(an_order().looks_like("gateway server POST /api/orders").is_err(), "that is not all");
    }

    #[test]
    fn what_is_not_shown_may_be_there_but_what_is_shown_must() {
        let shown = "
            gateway server POST …
              orders server orders.place
                orders client inventory.reserve
                orders producer publish …
                  inventory consumer process b
                orders producer publish …
        ";
        an_order().shows(shown).unwrap_or_else(|why| panic!("{why}"));
        let three = format!("{shown}        orders producer publish …");
        assert!(an_order().shows(&three).is_err(), "there are two");
        let elsewhere = "
            gateway server POST /api/orders
              inventory consumer process b
        ";
        assert!(an_order().shows(elsewhere).is_err(), "it is not there");
    }

    #[test]
    fn spans_can_be_left_out_with_or_without_those_below_them() {
        let operations = an_order().without(Span::is_message);
        let picture = "
            gateway server POST /api/orders
              orders server orders.place
                orders client inventory.reserve
        ";
        operations.looks_like(picture).unwrap_or_else(|why| panic!("{why}"));
        let messages = an_order().only(|span| span.is_message() || span.parent.is_none());
        let picture = "
            gateway server POST /api/orders
              orders producer publish a
              orders producer publish b
                inventory consumer process b
        ";
        messages.looks_like(picture).unwrap_or_else(|why| panic!("{why}"));
    }

    #[test]
    fn a_span_whose_parent_is_missing_is_a_root() {
        let mut torn = an_order();
        torn.spans.remove(1);
        assert_eq!(torn.roots().count(), 4);
    }
}
