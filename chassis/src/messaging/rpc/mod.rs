//! Calls by message: one request, one reply or many, through the broker. Here is the callee's side, and the
//! form of the messages, which both sides share; the caller's side is `wires::amqp`.
//!
//! - [`request`]: what a request looks like, and how its context travels
//! - [`frame`]: what is said after it: by the callee in replies, by the caller over a stream's control queue
//! - [`Operations`]: which operations a service answers: what its `amqp.rs` makes
//! - [`offer`], [`serve`]: takes requests and answers them
//!
//! Requests go to the queue `SERVICE.requests`, which all instances of a service share and which goes when
//! the last of them does: a request for an absent service comes back to its caller at once. Replies take
//! the direct way (`amq.rabbitmq.reply-to`): they are in no queue, and are dropped where the caller is gone.
//! Both sides use the connection for publishing: direct replies come over the channel of the request.
//!
//! **A request is executed at most once**, unless it may be repeated. It is acknowledged when its work
//! begins and not when that is done: another instance would otherwise do again what its caller was told may
//! have happened. What was taken and not begun is delivered to another instance.

mod answer;
pub mod frame;
mod operations;
pub mod request;
mod server;
mod stream;

use lapin::types::ShortString;

use super::Bus;
use super::broker::short;
use crate::process::{Module, Platform};

pub use frame::{Frame, Word};
pub use operations::Operations;
pub use server::serve;

/// The queue that the requests to a service wait in.
pub fn requests_of(service: &str) -> ShortString {
    short(&format!("{service}.requests"))
}

/// How many items a callee may send before its caller has taken any. The caller grants more as it takes
/// them, so that neither side and no broker ever holds more for one stream.
pub const WINDOW: u32 = 256;

/// How often the caller of a stream says that it is still there, in seconds. A message that finds the
/// control queue gone comes back: so it also learns whether the callee is.
pub const BEAT_SECONDS: u64 = 2;

/// The same module, called by message too. Where the process has no broker nothing changes.
pub fn offer<P>(module: Module, platform: &Platform, operations: Operations<P>) -> Module
where
    P: ?Sized + Send + Sync + 'static,
{
    match platform.bus.as_ref().and_then(Bus::broker) {
        Some(broker) => module.task(serve(broker.clone(), operations, platform.draining.clone())),
        None => module,
    }
}
