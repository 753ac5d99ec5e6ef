//! The embedded observatory: takes in OpenTelemetry's traces and metrics from anyone, keeps a bounded window of them
//! in memory, and shows it.
//!
//! It speaks OTLP (gRPC on 4317, HTTP with protobuf or JSON on 4318) on the one side, and Jaeger's query API on the
//! other (16686), where its own pages are, too. Jaeger, Prometheus and Grafana replace it wherever more is to be kept
//! than what happened lately.
//!
//! - [`span`]: what is kept of a span; no I/O, nothing of any protocol
//! - [`limits`]: how much is taken in, and kept
//! - [`metric`]: what is kept of a metric, likewise
//! - [`embedded`], [`Observatory`]: all of it, put together and run
//! - `connections`: how many may connect, and how long they may take
//! - `otlp`: from OTLP's messages to spans and points, with what is refused counted and named
//! - [`refused`], [`counts`]: the names, and the counters
//! - `intake`: the bounded way from whoever receives to the one task that keeps, which hands on to [`Keep`]
//! - [`traces`]: the window of traces: what is in it, what goes first when it is full, how it is searched
//! - [`series`]: the last hour, in numbers: rates, errors and durations counted from spans, and points as they came
//! - `jaeger`: Jaeger's query API
//! - `api`: what the pages ask besides
//! - `pages`: the pages, which travel in the executable
//! - [`store`]: what is kept, under one roof, with the routes by which it is asked
//! - [`clock`]: the time, handed in
//!
//! Not for: storage that outlives the process, alerts, logs.

mod api;
pub mod clock;
mod connections;
pub mod counts;
mod intake;
mod jaeger;
mod keep;
pub mod limits;
pub mod metric;
mod names;
mod observatory;
mod otlp;
mod pages;
mod params;
pub mod refused;
pub mod series;
pub mod span;
pub mod store;
pub mod traces;

#[cfg(test)]
mod testing;

pub use keep::Keep;
pub use limits::Limits;
pub use observatory::{Listeners, Observatory, embedded};
