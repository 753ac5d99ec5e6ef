//! Messages: events, commands and replies, through a broker that speaks AMQP 0-9-1 (RabbitMQ) or inside one
//! process.
//!
//! - [`bus`]: what carries messages, and the gate before it
//! - [`broker`]: the connection, which rebuilds itself; publishing with confirms; the table of queues declared
//! - [`in_process`]: the same without a broker, in the databases of the modules of one process
//! - [`consumer`]: takes messages out of a queue, a bounded number at a time, and puts aside what nobody can
//!   deal with
//! - [`mailbox`]: a module's outbox and inbox in its own database, and the relay between outbox and broker
//! - [`dead_letters`]: what was put aside: looked at, sent again, dropped
//! - [`ignored`]: what asks nothing of a module is noted all the same
//! - [`participant`]: a module that is asked by message, does it, and says what came of it
//! - [`rpc`]: a module that is called by message, and answers
//!
//! What the messages say stands in `contracts::messages`.

pub mod broker;
pub mod bus;
pub mod consumer;
pub mod dead_letters;
mod ignored;
mod in_process;
pub mod mailbox;
pub mod participant;
pub mod rpc;
mod sql;
mod stored;
mod tables;

pub use broker::Broker;
pub use bus::Bus;
pub use consumer::{Delivery, Handled, Handler};
pub use ignored::ignored;
pub use mailbox::{Mailbox, Received};
pub(crate) use tables::bring_along;
