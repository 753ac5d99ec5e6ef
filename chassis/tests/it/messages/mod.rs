//! Messages through the embedded broker, and through a real RabbitMQ where there is one. Each test has a host of
//! its own on each.
//!
//! - [`bench`]: a broker handle on a fresh host, messages, and a handler that does as it is told
//! - the rest: by subject

mod bench;
mod broker;
mod consumer;
mod dead_letters;
mod faults;
mod log;
