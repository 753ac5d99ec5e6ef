//! What every transaction of a module passes before it begins: here the module is held.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::timeout;

use super::pool::PATIENCE;
use super::writer::Writer;

/// Lets transactions in to the database where the module's data is, or makes them wait.
#[derive(Debug)]
pub(super) struct Gate(watch::Sender<State>);

#[derive(Debug, Clone)]
enum State {
    /// Transactions may begin, here.
    Open(Arc<Writer>),
    /// They wait.
    Held,
    /// There will be none.
    Shut,
}

impl Gate {
    pub fn open(writer: Arc<Writer>) -> Self {
        Self(watch::Sender::new(State::Open(writer)))
    }

    /// Where a transaction may stand in line. Waits while the module is held, and no longer than for a
    /// connection.
    pub async fn pass(&self) -> Result<Arc<Writer>, sqlx::Error> {
        let mut state = self.0.subscribe();
        let open = timeout(PATIENCE, state.wait_for(|state| !matches!(state, State::Held))).await;
        match open.map(|state| state.map(|state| state.clone())) {
            Ok(Ok(State::Open(writer))) => Ok(writer),
            Ok(_) => Err(sqlx::Error::PoolClosed),
            Err(_) => Err(sqlx::Error::PoolTimedOut),
        }
    }

    /// Whether a transaction may go on that stood in this writer's line. Asked when it has a connection:
    /// whoever holds the module has closed the gate first and waits in that line after, so each
    /// transaction that goes on is one that the holder waits for.
    pub fn admits(&self, writer: &Arc<Writer>) -> bool {
        matches!(&*self.0.borrow(), State::Open(open) if Arc::ptr_eq(open, writer))
    }

    /// Closes the gate until what is returned is dropped; nothing where it is held or shut already.
    pub fn hold(&self) -> Option<Closed<'_>> {
        let mut open = None;
        self.0.send_modify(|state| {
            if let State::Open(writer) = state {
                open = Some(writer.clone());
                *state = State::Held;
            }
        });
        open.map(|writer| Closed { gate: self, writer })
    }

    /// Closes the gate for good; returns to where it was open.
    pub fn shut(&self) -> Option<Arc<Writer>> {
        match self.0.send_replace(State::Shut) {
            State::Open(writer) => Some(writer),
            State::Held | State::Shut => None,
        }
    }
}

/// A gate that is closed. Dropped, it opens again.
#[derive(Debug)]
pub(super) struct Closed<'a> {
    gate: &'a Gate,
    /// Where it will open to.
    writer: Arc<Writer>,
}

impl Closed<'_> {
    /// Where the gate opens to.
    pub fn writer(&self) -> &Arc<Writer> {
        &self.writer
    }

    /// Has the gate open to another database; returns the one before.
    pub fn turn_to(&mut self, writer: Arc<Writer>) -> Arc<Writer> {
        std::mem::replace(&mut self.writer, writer)
    }
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.gate.0.send_if_modified(|state| match state {
            State::Held => {
                *state = State::Open(self.writer.clone());
                true
            }
            State::Open(_) | State::Shut => false,
        });
    }
}
