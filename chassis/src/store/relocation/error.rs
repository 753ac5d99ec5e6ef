//! Why a move came to nothing.

use std::time::Duration;

use contracts::error::chain;
use contracts::{Code, Problem};

use crate::store::{Placement, StoreError};

/// The module works on where it was.
#[derive(Debug, thiserror::Error)]
pub(super) enum MoveError {
    /// A database did not do what it was asked.
    #[error("the tables could not be moved, and nothing has changed")]
    Store(#[from] StoreError),
    /// Tables cannot be made at the new place as they are at the old one.
    #[error("{tables} cannot be made at the new place: {reason}")]
    Tables {
        /// Which.
        tables: String,
        /// Why.
        reason: &'static str,
    },
    /// The module could not be held for as short a time as asked for.
    #[error(
        "the module may be held for {} ms, and {why}; comparing its rows took {} ms when nobody was held. \
         Nothing has changed. Try again when less is going on, or allow more with hold_ms",
        patience.as_millis(), comparing.as_millis()
    )]
    TooLong {
        /// How long it was allowed to take.
        patience: Duration,
        /// How long it takes to compare the rows while nobody is held.
        comparing: Duration,
        /// What took longer.
        why: &'static str,
    },
    /// Both places should have the same rows, and have not.
    #[error("the new place does not have the rows of the old one, so nothing has changed: {0}")]
    Differs(String),
    /// Another move of the same module is under way.
    #[error("a move to the {0} database is under way: wait for its end")]
    UnderWay(Placement),
}

/// What whoever asked is told.
impl From<&MoveError> for Problem {
    fn from(error: &MoveError) -> Self {
        let code = match error {
            MoveError::TooLong { .. } => Code::Unavailable,
            MoveError::Store(source) if source.is_passing() => Code::Unavailable,
            MoveError::UnderWay(_) | MoveError::Tables { .. } => Code::Conflict,
            MoveError::Store(_) | MoveError::Differs(_) => Code::Internal,
        };
        Self::new(code, chain(error))
    }
}
