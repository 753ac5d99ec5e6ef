//! Messages through a real RabbitMQ. Each test has a virtual host of its own.
//!
//! - [`bench`]: a broker handle on a fresh virtual host, messages, and a handler that does as it is told
//! - the rest: by subject

mod bench;
mod broker;
mod consumer;
mod dead_letters;
mod faults;
mod log;
