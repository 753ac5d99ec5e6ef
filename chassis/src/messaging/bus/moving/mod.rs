//! Changing carriers: what waits in this process goes to a broker, and back.
//!
//! - [`hand_over`]: from the databases of the modules to a broker
//! - [`take_over`]: from a broker into the databases
//! - [`seam`]: where the two logs of events meet
//! - [`session`]: the connection for it, and the right to be the only one
//! - [`error`]: why it is refused
//!
//! Both move on a bus that is held, and each message leaves the one side when the other has it: whoever dies in
//! between has moved it twice, which the inbox bears with, or begins where it left off. The log is the one thing
//! that must not be doubled, since a reader's place in it is a number. So one log is always a prefix of the
//! other, and only what the shorter one lacks is appended to it.

mod error;
mod hand_over;
mod seam;
mod session;
mod take_over;

use serde::{Deserialize, Serialize};

use self::session::Session;
use super::{Bus, Carrier, GateState};
use crate::messaging::in_process::InProcess;

pub use error::MoveError;

/// What was moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// Messages that wait to be dealt with.
    pub messages: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// Entries of the event log that the other side lacked.
    pub log_entries: u64,
}

/// How many messages are on their way at a time.
const AT_ONCE: u16 = 256;

impl Bus {
    /// Gives what waits in this process to the broker at `url`: messages to their queues, dead letters to theirs,
    /// and to the stream of all events what it lacks. The broker counts attempts anew.
    ///
    /// It may be cut short anywhere, and done again.
    pub async fn hand_over(&self, url: &str) -> Result<Moved, MoveError> {
        let _alone = self.moving.lock().await;
        let in_process = self.held_in_process()?;
        let session = Session::begin(url).await?;
        let moved = hand_over::all(in_process, &session).await?;
        tracing::info!(?moved, "handed over to the broker: {moved:?}");
        Ok(moved)
    }

    /// Takes what waits at the broker at `url` into this process: messages out of their queues, dead letters, and
    /// of the stream of all events what the log here lacks.
    ///
    /// It may be cut short anywhere, and done again.
    pub async fn take_over(&self, url: &str) -> Result<Moved, MoveError> {
        let _alone = self.moving.lock().await;
        let in_process = self.held_in_process()?;
        let session = Session::begin(url).await?;
        let moved = take_over::all(in_process, &session).await?;
        tracing::info!(?moved, "took over from the broker: {moved:?}");
        Ok(moved)
    }

    /// The carrier, where it is this process and nobody takes anything from it.
    fn held_in_process(&self) -> Result<&InProcess, MoveError> {
        let Carrier::InProcess(in_process) = self.carrier() else { return Err(MoveError::HasBroker) };
        if self.gate().state() == GateState::Open {
            return Err(MoveError::Open);
        }
        let at_work = self.gate().at_work();
        if !at_work.is_empty() {
            return Err(MoveError::AtWork(at_work.join(", ")));
        }
        Ok(in_process)
    }
}
