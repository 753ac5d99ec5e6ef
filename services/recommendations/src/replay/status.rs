//! How a replay stands, as the control endpoint tells it.

use contracts::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::store::{Replay, ReplayEnd};

/// How the latest replay stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplayStatus {
    /// Whether there is one, and whether it runs.
    pub state: ReplayState,
    /// The offset that it began at: above 0 where the log had lost its beginning.
    pub from: u64,
    /// The offset of the event that it reads next; once it is done, of the first that it did not read.
    pub at: u64,
    /// Where it ends: the offset up to which the model that answers has read.
    pub end: u64,
    /// How many orders the new model knows.
    pub orders: u64,
    /// When it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When the new model took over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// How the new model compared with the old one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
}

/// Whether a replay runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReplayState {
    /// The model was never built anew.
    Idle,
    /// One is being built.
    Replaying,
    /// The model that answers was built by a replay.
    Done,
}

/// How the new model compared with the old one, when both had read equally far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// Whether they were the same.
    pub kind: VerdictKind,
    /// The offset up to which both had read.
    pub compared_at: u64,
    /// How many orders differed.
    pub orders: u64,
    /// How many pairs of products differed.
    pub pairs: u64,
    /// How many products that a customer has bought differed.
    pub purchases: u64,
    /// Where the log began, if its beginning was cut off: the new model knows nothing of what was before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_begins_at: Option<u64>,
}

/// Whether two models were the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerdictKind {
    /// Row by row.
    Same,
    /// Not in all rows.
    Differs,
}

impl ReplayStatus {
    /// The status of a replay, or that there was none.
    pub fn of(replay: Option<Replay>) -> Self {
        let Some(replay) = replay else {
            return Self {
                state: ReplayState::Idle,
                from: 0,
                at: 0,
                end: 0,
                orders: 0,
                started_at: None,
                finished_at: None,
                verdict: None,
            };
        };
        let begins_at = replay.first_offset.unwrap_or(0);
        let verdict = replay.end.map(|end| Verdict::of(end, begins_at));
        Self {
            state: if replay.end.is_some() { ReplayState::Done } else { ReplayState::Replaying },
            from: begins_at,
            at: replay.end.map_or(replay.next_offset, |end| end.compared_at),
            end: replay.end.map_or(replay.serving, |end| end.compared_at),
            orders: replay.orders,
            started_at: Some(replay.started_at),
            finished_at: replay.end.map(|end| end.finished_at),
            verdict,
        }
    }
}

impl Verdict {
    fn of(end: ReplayEnd, begins_at: u64) -> Self {
        let differences = end.differences;
        Self {
            kind: if differences.total() == 0 { VerdictKind::Same } else { VerdictKind::Differs },
            compared_at: end.compared_at,
            orders: differences.orders,
            pairs: differences.pairs,
            purchases: differences.purchases,
            log_begins_at: Some(begins_at).filter(|offset| *offset > 0),
        }
    }

    /// How many rows differed in all.
    pub fn differing(&self) -> u64 {
        self.orders + self.pairs + self.purchases
    }
}
