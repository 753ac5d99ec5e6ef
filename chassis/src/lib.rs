//! The microservice chassis: everything that every service needs and none is about.
//!
//! One folder a concern:
//!
//! - [`process`]: from arguments to a running process that hosts one module or several, and its drain
//! - [`server`]: REST and gRPC on one port, health, metrics, the middleware stack, graceful drain
//! - [`http`]: what a REST adapter is made of: context, input, answers, problems
//! - [`grpc`]: what a gRPC adapter is made of
//! - [`config`]: typed configuration, fetched, validated whole, changed while running
//! - [`control`]: the guard before every control API
//! - [`discovery`]: the client of the service registry
//! - [`messaging`]: messages through a broker: outbox, inbox, relay, consumers
//! - [`store`]: databases: SQLite and PostgreSQL behind one door, migrations
//! - [`telemetry`]: logs, metrics and traces
//! - [`address`]: addresses as they may be shown: without passwords
//! - [`clock`]: the time, as business code sees it
//! - [`bell`]: wakes those in this process who wait for news
//! - `backoff`: how long to wait before something is tried again
//! - `waiting`: how a start waits for what is not there yet
//! - [`follow`]: streams of what is past, at once, and of what is to come, as it happens
//!
//! Not for: business rules (`services/`), or how one service calls another (`wires/`).

pub mod address;
mod backoff;
pub mod bell;
pub mod clock;
pub mod config;
pub mod control;
pub mod discovery;
pub mod follow;
pub mod grpc;
pub mod http;
pub mod messaging;
pub mod process;
pub mod server;
pub mod store;
pub mod telemetry;
mod waiting;

pub use waiting::PATIENCE;
