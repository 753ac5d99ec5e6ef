//! How one module calls another: for each port the same calls over REST, gRPC, AMQP, or in-process,
//! chosen by configuration while running. A caller holds an `Arc<dyn Inventory>` and never knows.
//!
//! - [`Resolver`]: one a process; gives a module its [`Edges`]
//! - [`Edges`]: what one module calls, each edge on its wire of the moment
//! - [`call`]: what passes below a port: one tower service of calls for each wire
//! - [`stack`]: the layers round every call, in one place
//! - `observe`: each call as its caller meets it: its span, its measurement
//! - [`balance`]: which instance a call goes to
//! - [`rest`], [`grpc`], [`amqp`], [`local`]: the wires themselves; in each, one file a port
//!
//! Not for: what a call means (`contracts/`), or the server's side (`rest.rs`, `grpc.rs` and `amqp.rs`
//! of each service).

pub mod amqp;
pub mod balance;
pub mod call;
pub mod choices;
mod connect;
mod edge;
pub mod grpc;
pub mod local;
mod observe;
pub mod resolver;
pub mod rest;
pub mod stack;

pub use choices::{WireChoices, WireKind};
pub use resolver::{Edges, Resolver};
