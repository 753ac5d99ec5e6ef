//! Messages through the embedded broker, through a real RabbitMQ where there is one, and without a broker through
//! databases. Each test has a host or databases of its own on each.
//!
//! - [`bench`]: a broker handle on a fresh host, messages, and a handler that does as it is told
//! - [`ground`]: a broker, or databases, for what holds on either
//! - the rest: by subject

mod bench;
mod broker;
mod consumer;
mod dead_letters;
mod faults;
mod ground;
mod in_process;
mod log;
mod moving;
