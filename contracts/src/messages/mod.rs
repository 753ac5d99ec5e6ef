//! What services tell each other by messages: events that whoever cares may hear, commands for one
//! service, and replies to them.
//!
//! - [`envelope`]: what every message has, whatever it says: a CloudEvent
//! - [`event`]: how an event of a module becomes a message, and back
//! - [`command`]: what the `orchestrated` coordination asks of a module, and what it is answered
//! - [`queues`]: the one table of exchanges, queues and bindings
//!
//! Not for: how messages travel (`chassis::messaging`), or what a service does about one.

pub mod command;
pub mod envelope;
pub mod event;
pub mod queues;

pub use command::{Command, CommandReply, Outcome};
pub use envelope::{Message, MessageId, Origin, Passed};
pub use event::Event;
pub use queues::{Address, Outgoing, Queue};
