//! The broker as its clients see it.
//!
//! - [`servers`]: the embedded broker, and a real RabbitMQ beside it
//! - [`embedded`]: the embedded broker, on a folder and a thread of its own
//! - [`client`]: lapin, with short words for what tests do often
//! - [`wire`]: frames by hand, for what no client library would send
//! - [`conformance`]: what both servers do alike, by subject
//! - [`durability`]: what was confirmed is there after any end
//! - [`foreign`]: clients of other languages
//! - [`hostile`]: clients that send what no client should

mod client;
mod conformance;
mod durability;
mod embedded;
mod foreign;
mod hostile;
mod servers;
mod wire;
