//! What there is to see of a move while it goes on, and what it ends with.

use contracts::Problem;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::abort::{AbortAt, Stage};
use crate::store::Placement;

/// How far a move has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The tables are made at the new place.
    Preparing,
    /// Rows are copied while the module works on.
    Copying,
    /// The module is being held: what is under way ends, and what comes waits.
    Holding,
    /// What changed meanwhile is copied, and both places are compared.
    Comparing,
    /// The module works at the new place; the old one is emptied.
    Tidying,
    /// It is over, and the report says how it went.
    Done,
    /// It is over, and nothing has changed.
    Failed,
}

/// A move, under way or over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Where it goes.
    pub to: Placement,
    /// How far it is.
    pub phase: Phase,
    /// How many rows are at the new place.
    pub rows: u64,
    /// Out of how many.
    pub total: u64,
    /// How it went, when it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Report>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// What came of a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The data is elsewhere now.
    Moved,
    /// It was there already.
    AlreadyThere,
    /// There is but one database for all modules, so that there is nowhere to move.
    OneDatabase,
}

/// How a move went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Whose tables.
    pub module: String,
    /// Where they were.
    pub from: Placement,
    /// Where they are.
    pub to: Placement,
    /// What came of it.
    pub outcome: Outcome,
    /// How many tables were moved, those that record the migrations included.
    pub tables: u64,
    /// How many rows they have.
    pub rows: u64,
    /// For how long the module's callers waited, in milliseconds.
    pub held_ms: u64,
    /// The sum over all rows, the same at both places; the same rows have the same on one engine only.
    pub checksum: String,
}

impl Report {
    /// Of a move that had nothing to do.
    pub(super) fn nothing_to_do(module: &str, at: Placement, to: Placement, outcome: Outcome) -> Self {
        let module = module.to_owned();
        Self { module, from: at, to, outcome, tables: 0, rows: 0, held_ms: 0, checksum: String::new() }
    }
}

/// What watchers see.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub progress: Progress,
    /// How it ended, when it has.
    pub end: Option<Result<Report, Problem>>,
}

/// A move, as it tells of itself.
#[derive(Debug)]
pub(super) struct Teller {
    seen: watch::Sender<Seen>,
    abort_at: AbortAt,
}

impl Teller {
    /// Of a move that begins, and for those who watch it.
    pub fn begin(to: Placement, abort_at: AbortAt) -> (Self, watch::Receiver<Seen>) {
        let progress =
            Progress { to, phase: Phase::Preparing, rows: 0, total: 0, report: None, failure: None };
        let (seen, watching) = watch::channel(Seen { progress, end: None });
        (Self { seen, abort_at }, watching)
    }

    /// Another phase has begun.
    pub fn enter(&self, phase: Phase) {
        self.seen.send_modify(|seen| seen.progress.phase = phase);
    }

    /// So many rows are to be copied, from the first one on.
    pub fn count(&self, total: u64) {
        self.seen.send_modify(|seen| {
            seen.progress.phase = Phase::Copying;
            (seen.progress.rows, seen.progress.total) = (0, total);
        });
    }

    /// So many rows more are at the new place.
    pub fn copied(&self, rows: u64) {
        self.seen.send_modify(|seen| seen.progress.rows += rows);
        if rows > 0 {
            self.reach(Stage::MidCopy);
        }
    }

    /// A point at which the process may be told to die.
    pub fn reach(&self, stage: Stage) {
        self.abort_at.pass(stage);
    }

    /// It is over.
    pub fn end(&self, end: Result<Report, Problem>) {
        self.seen.send_modify(|seen| {
            seen.progress.phase = if end.is_ok() { Phase::Done } else { Phase::Failed };
            seen.progress.report = end.as_ref().ok().cloned();
            seen.progress.failure = end.as_ref().err().map(|problem| problem.detail.clone());
            seen.end = Some(end);
        });
    }
}
