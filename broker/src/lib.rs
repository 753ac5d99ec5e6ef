//! An embedded message broker: one node that speaks AMQP 0-9-1 as RabbitMQ does.
//!
//! Clients of RabbitMQ use it unchanged, lapin as well as those of other languages, and a RabbitMQ replaces it
//! wherever more than one machine is involved, or more is asked for than `README.md` lists.
//!
//! - [`Broker`]: opened on a data folder; serves clients on a socket
//! - [`Config`], [`Limits`], [`Users`]: what it is told at the start
//! - [`status`]: how it is doing
//! - `frame`: AMQP's bytes, frames and methods
//! - `connection`: one client, from its first bytes to its last
//! - `core`: exchanges, queues and consumers, under one lock
//! - `storage`: the log of durable messages, the files of streams, and the one thread that writes
//! - `housekeeping`: what happens by itself
//!
//! Not for: clusters, users' permissions, virtual hosts, plugins.

mod broker;
mod config;
mod connection;
mod core;
mod error;
mod frame;
mod housekeeping;
mod message;
mod metrics;
mod shared;
pub mod status;
mod storage;

pub use broker::Broker;
pub use config::{Config, Limits, Users};
pub use error::OpenError;
