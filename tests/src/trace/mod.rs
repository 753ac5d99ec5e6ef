//! Traces of a shop, read back from an observatory by Jaeger's API.
//!
//! - `span`: a trace as the API tells it
//! - `picture`: what it looks like, as text
//! - `rules`: what must be so of every trace of the shop
//! - `observatory`: where it is read

mod observatory;
mod picture;
mod rules;
mod span;
#[cfg(test)]
mod testing;

pub use observatory::{Observatory, trace_of};
pub use span::{Kind, Span, Tags, Trace};
