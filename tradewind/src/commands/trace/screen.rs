//! How a trace is looked at: how wide the terminal is, whether it shows colours, and what is to be seen.

use std::io::{self, IsTerminal};

use chassis::config::{Environment, ProcessEnvironment};

use crate::cli::TraceArgs;

/// Columns where nobody tells.
const USUAL_WIDTH: usize = 100;
/// Less is of no use, and more is not read.
const NARROWEST: usize = 60;
const WIDEST: usize = 240;

/// How a trace is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// Columns.
    pub width: usize,
    /// Whether there are colours.
    pub ink: Ink,
    /// Log lines.
    pub logs: Logs,
    /// Statements of databases.
    pub statements: Statements,
}

/// Whether there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    Coloured,
    Plain,
}

/// What becomes of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Logs {
    Shown,
    Hidden,
}

/// What becomes of statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Statements {
    /// Each has its line.
    Shown,
    /// Those of one parent share a line.
    Folded,
}

/// What a text is painted as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colour {
    /// What failed.
    Failed,
    /// What leads the eye, and is not read.
    Faint,
    /// A bar.
    Bar,
}

impl Look {
    /// As the arguments and the terminal say.
    pub fn of(args: &TraceArgs) -> Self {
        let terminal = io::stdout().is_terminal();
        let columns = ProcessEnvironment.var("COLUMNS").and_then(|columns| columns.parse().ok());
        let width = if terminal { columns_of_terminal().or(columns) } else { columns };
        Self {
            width: width.unwrap_or(USUAL_WIDTH).clamp(NARROWEST, WIDEST),
            ink: Ink::on(terminal, &ProcessEnvironment),
            logs: if args.logs { Logs::Shown } else { Logs::Hidden },
            statements: if args.statements { Statements::Shown } else { Statements::Folded },
        }
    }
}

fn columns_of_terminal() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    // some terminals do not know, and say nothing
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

impl Ink {
    /// Colours for a terminal that has them and a reader who wants them (<https://no-color.org>).
    fn on(terminal: bool, environment: &impl Environment) -> Self {
        let unwanted = environment.var("NO_COLOR").is_some_and(|value| !value.is_empty());
        let has_none = environment.var("TERM").is_some_and(|term| term == "dumb");
        if terminal && !unwanted && !has_none { Self::Coloured } else { Self::Plain }
    }

    /// The text, painted.
    pub fn paint(self, colour: Colour, text: &str) -> String {
        let code = match colour {
            Colour::Failed => "31",
            Colour::Faint => "2",
            Colour::Bar => "36",
        };
        match self {
            Self::Coloured if !text.trim().is_empty() => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            _ => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn colours_are_for_terminals_whose_reader_wants_them() {
        let of = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        assert_eq!(Ink::on(true, &of(&[("NO_COLOR", ""), ("TERM", "xterm")])), Ink::Coloured);
        assert_eq!(Ink::on(false, &of(&[])), Ink::Plain);
        assert_eq!(Ink::on(true, &of(&[("NO_COLOR", "1")])), Ink::Plain);
        assert_eq!(Ink::on(true, &of(&[("TERM", "dumb")])), Ink::Plain);
        assert_eq!(Ink::Coloured.paint(Colour::Failed, "x"), "\u{1b}[31mx\u{1b}[0m");
        assert_eq!(Ink::Plain.paint(Colour::Failed, "x"), "x");
    }
}
