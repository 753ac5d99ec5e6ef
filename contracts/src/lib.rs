//! What the services say to each other, and nothing else: no I/O, no SQL, no transport.
//!
//! One file a business module holds its **port** (an async trait in business words), its
//! **operations** (one line of metadata each, which routes, clients, retry rules and documents all
//! take their facts from), its request, reply and event types. Beside them:
//!
//! - [`context`]: what travels with every call: deadline, idempotency key, caller, trace
//! - [`error`]: the one error type that crosses every wire unchanged
//! - [`operation`]: what the line of metadata says
//! - [`messages`]: events, commands and replies, and the table of queues
//! - [`types`]: money, ids, time, pages
//! - [`grpc`]: the generated protobuf types and the conversions to and from them
//!
//! Not for: behaviour. A rule that a service enforces lives in that service.

pub mod catalog;
pub mod context;
pub mod error;
pub mod grpc;
pub mod inventory;
pub mod messages;
pub mod notifications;
pub mod operation;
pub mod orders;
pub mod payments;
pub mod recommendations;
pub mod shipping;
pub mod types;

pub use context::{Context, Deadline, IdempotencyKey, TraceContext};
pub use error::{Code, Effect, Fault, PortError, PortResult, Problem, RemoteFailure, RemoteReason};
pub use operation::{Kind, Operation, Shape, Verb};
pub use types::{Currency, CustomerId, Money, OrderId, Sku, Timestamp};

/// Every operation of every port: what documents, gateways and conformance tests walk through.
pub fn all_operations() -> impl Iterator<Item = &'static Operation> {
    [
        catalog::OPERATIONS,
        inventory::OPERATIONS,
        payments::OPERATIONS,
        shipping::OPERATIONS,
        orders::OPERATIONS,
        notifications::OPERATIONS,
        recommendations::OPERATIONS,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// A stream of items that a port returns or takes; it ends when either side lets go.
pub type Streaming<T> = futures::stream::BoxStream<'static, T>;
