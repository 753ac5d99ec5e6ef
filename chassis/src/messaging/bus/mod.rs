//! What carries messages between modules: a broker, or nothing but this process. Modules do not know which.
//!
//! - [`gate`]: whether messages flow in this process; it can be shut, for as long as they change carriers
//! - [`moving`]: changing carriers

mod gate;
mod moving;

use std::sync::Arc;

use contracts::messages::Outgoing;
use tokio::sync::Mutex;

use super::broker::PublishError;
use super::in_process::{EventLog, InProcess};
use super::mailbox::Publish;
use super::{Broker, Mailbox};
use crate::store::{Store, StoreError};

pub(in crate::messaging) use gate::Turn;
pub use gate::{Gate, GateState};
pub use moving::{MoveError, Moved};

/// What carries messages, and the gate before it: a handle, cheap to clone.
#[derive(Clone)]
pub struct Bus {
    carrier: Carrier,
    gate: Gate,
    /// Held by whoever moves messages to another carrier, or opens the gate.
    moving: Arc<Mutex<()>>,
}

/// What carries them.
#[derive(Clone)]
pub(in crate::messaging) enum Carrier {
    /// A broker, to processes anywhere.
    Broker(Broker),
    /// Nothing but this process, which is the whole shop.
    InProcess(InProcess),
}

impl Bus {
    /// Messages go through `broker`, as long as `gate` is open.
    pub fn through(broker: Broker, gate: Gate) -> Self {
        Self { carrier: Carrier::Broker(broker), gate, moving: Arc::default() }
    }

    /// Messages stay in this process, as long as `gate` is open.
    pub fn in_process(gate: Gate) -> Self {
        Self { carrier: Carrier::InProcess(InProcess::new()), gate, moving: Arc::default() }
    }

    /// The broker, for what only a broker can do.
    pub fn broker(&self) -> Option<&Broker> {
        match &self.carrier {
            Carrier::Broker(broker) => Some(broker),
            Carrier::InProcess(_) => None,
        }
    }

    /// Tells it of a module that messages may be for. A broker need not know.
    pub fn register(&self, mailbox: &Mailbox) {
        if let (Carrier::InProcess(in_process), Some(arrivals)) = (&self.carrier, mailbox.arrivals()) {
            in_process.register(arrivals.clone());
        }
    }

    /// Where no broker keeps the log of all events, it is kept in the database of `module`, which reads it.
    pub async fn keep_log(&self, store: &Store, module: &str) -> Result<(), StoreError> {
        if let Carrier::InProcess(in_process) = &self.carrier {
            in_process.keep_log(EventLog::open(store, module).await?);
        }
        Ok(())
    }

    /// The gate: shut, messages stay where they are.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    pub(in crate::messaging) fn carrier(&self) -> &Carrier {
        &self.carrier
    }

    /// Shuts the gate: relays finish their batch and give up the lease, consumers and readers of the event log
    /// finish what they have begun, and nobody takes anything more. Returns who was not done in time.
    pub async fn hold(&self) -> Vec<String> {
        self.gate.hold().await
    }

    /// Opens the gate, after a move that is under way.
    pub async fn open(&self) {
        let _nobody_moves = self.moving.lock().await;
        self.gate.open();
    }
}

impl From<Broker> for Bus {
    fn from(broker: Broker) -> Self {
        Self::through(broker, Gate::default())
    }
}

impl Publish for Bus {
    async fn publish(&self, messages: &[Outgoing]) -> Result<(), PublishError> {
        match &self.carrier {
            Carrier::Broker(broker) => broker.publish(messages).await,
            Carrier::InProcess(in_process) => in_process.publish(messages).await,
        }
    }

    fn carrier(&self) -> &'static str {
        match &self.carrier {
            Carrier::Broker(broker) => Publish::carrier(broker),
            Carrier::InProcess(in_process) => Publish::carrier(in_process),
        }
    }
}
