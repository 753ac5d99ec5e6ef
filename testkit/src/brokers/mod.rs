//! The embedded broker and RabbitMQ behind one face, so that a test runs its body on each.
//!
//! - [`BrokerKind`]: which there are, and which are wanted
//! - [`BrokerHost`]: a space of its own for a test
//! - [`BrokerServer`]: a server of a test's own, to be killed and started again
//! - [`AmqpClient`]: puts messages into queues, wherever the broker runs
//! - `embedded`: the embedded broker, on a thread of its own

mod amqp;
mod embedded;
mod host;
mod kind;
mod server;

pub use amqp::AmqpClient;
pub use host::{BrokerHost, brokers};
pub use kind::BrokerKind;
pub use server::{BrokerServer, broker_servers};
