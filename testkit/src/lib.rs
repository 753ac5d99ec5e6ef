//! What tests share: real engines on free ports, the embedded broker beside them, a proxy that plays a broken
//! network, programs in other languages, and waiting for a state; and whether migrations only expand.
//!
//! A test that wants an engine which is not on this machine says by name what it skips; where
//! `TRADEWIND_REQUIRE_ENGINES=1` is set (CI), it fails instead. `TRADEWIND_NO_ENGINES=1` hides the
//! engines of this machine. `TRADEWIND_TEST_BROKERS=embedded` or `=rabbitmq` restricts tests of messages to one
//! kind of broker; otherwise they run on the embedded one, and on RabbitMQ where it is.
//!
//! Only ever a dev-dependency.

mod brokers;
mod database;
mod engine;
mod expansion;
pub mod foreign;
mod proxy;
mod rabbitmq;
mod wait;

pub use brokers::{AmqpClient, BrokerHost, BrokerKind, BrokerServer, broker_servers, brokers};
pub use database::{Database, databases};
pub use engine::{Engine, engines_hidden, free_port, lasting_port, require_or_skip};
pub use expansion::contractions;
pub use proxy::Proxy;
pub use rabbitmq::{QueueInfo, RabbitMq, VirtualHost, virtual_host};
pub use wait::eventually;
