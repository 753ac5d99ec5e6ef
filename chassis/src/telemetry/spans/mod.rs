//! Work at a boundary between modules, as a span of a distributed trace (OpenTelemetry).
//!
//! A span begins where a request comes in or a call goes out, where a message is published or dealt with, and for
//! each statement to a database: docs/adr/0009 says why there and nowhere else. Its parent is not whatever happens
//! to be under way, but a [`TraceContext`] that somebody hands in, and whoever goes on hands on [`Span::trace`]. So a
//! trace keeps its shape whichever task or process goes on with it.
//!
//! Where nothing is sent anywhere ([`super::otlp`]) a span still draws its id, since logs and problems name it.
//!
//! - [`span`]: one span
//! - [`tracers`]: whose spans they are: each module is a service of its own, wherever it runs
//! - [`sampler`]: which traces are recorded
//! - [`queue`]: the bounded way from a span's end to the collector
//! - [`tap`]: statements and log lines, put into the span in which they happen

mod queue;
pub(super) mod sampler;
mod span;
pub(super) mod tap;
pub(super) mod tracers;

pub use opentelemetry::KeyValue;
pub use opentelemetry::trace::SpanKind;
pub use span::{Begin, Span};
pub use tap::database;
pub use tracers::recording;
