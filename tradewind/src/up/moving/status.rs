//! How a move stands: what `GET /move` answers and `tradewind move` shows.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::topology::Topology;
use crate::up::arrangement::Arrangement;

/// How a move stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MoveStatus {
    /// The topology that it comes from.
    pub from: String,
    /// The topology that it goes to.
    pub to: String,
    /// Whether it is under way.
    pub state: MoveState,
    /// Its steps so far; the last one may be under way.
    pub steps: Vec<Step>,
    /// Why it failed.
    pub trouble: Option<String>,
    #[serde(skip)]
    begun: Option<Instant>,
}

/// Whether a move is under way, or how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MoveState {
    /// Nobody has moved the shop since it started.
    AtRest,
    /// It was interrupted by the end of the shop.
    Interrupted,
    /// It is under way.
    Moving,
    /// It arrived.
    Done,
    /// It was taken back: the shop is as it was.
    TakenBack,
    /// It failed. The steps say how far it got.
    Failed,
}

/// One step of a move.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Which.
    pub stage: Stage,
    /// What is done, for people.
    pub what: String,
    /// What came of it, once it is done.
    pub outcome: Option<String>,
    /// How long it took, in milliseconds, once it is done.
    pub took_ms: Option<u64>,
}

/// The stages of a move, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Databases of modules are split off, or joined, in the processes of old.
    DatabasesBefore,
    /// Supporting servers and processes are started.
    Starting,
    /// The processes of old stop to take and send messages.
    Holding,
    /// What waits, and the log of events, goes to the other carrier.
    HandingOver,
    /// It is written down that the messages belong to the new processes.
    Flipping,
    /// The new processes begin to take and send messages.
    Opening,
    /// The processes of old finish what they have begun, and end.
    Draining,
    /// Databases of modules are split off, or joined, in the new processes.
    DatabasesAfter,
    /// Supporting servers that nobody needs end.
    Stopping,
    /// What was begun is taken back.
    TakingBack,
}

impl Stage {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DatabasesBefore => "databases-before",
            Self::Starting => "starting",
            Self::Holding => "holding",
            Self::HandingOver => "handing-over",
            Self::Flipping => "flipping",
            Self::Opening => "opening",
            Self::Draining => "draining",
            Self::DatabasesAfter => "databases-after",
            Self::Stopping => "stopping",
            Self::TakingBack => "taking-back",
        }
    }
}

impl MoveStatus {
    pub(super) fn at_rest(arrangement: &Arrangement) -> Self {
        let from = arrangement.topology.name.clone();
        let (to, state) = match &arrangement.moving {
            Some(moving) => (moving.to.name.clone(), MoveState::Interrupted),
            None => (from.clone(), MoveState::AtRest),
        };
        Self { from, to, state, steps: Vec::new(), trouble: None, begun: None }
    }

    pub(super) fn begun(from: &Topology, to: &Topology) -> Self {
        Self {
            from: from.name.clone(),
            to: to.name.clone(),
            state: MoveState::Moving,
            steps: Vec::new(),
            trouble: None,
            begun: None,
        }
    }

    pub(super) fn begin_step(&mut self, stage: Stage, what: String) {
        self.steps.push(Step { stage, what, outcome: None, took_ms: None });
        self.begun = Some(Instant::now());
    }

    pub(super) fn end_step(&mut self, outcome: String) {
        let took =
            self.begun.take().map(|begun| u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX));
        if let Some(step) = self.steps.last_mut() {
            step.outcome = Some(outcome);
            step.took_ms = took;
        }
    }

    pub(super) fn end(&mut self, state: MoveState, trouble: Option<String>) {
        self.state = state;
        self.trouble = trouble;
    }
}
