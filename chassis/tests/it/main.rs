//! The chassis against real engines.
//!
//! - [`messages`]: messages through a real RabbitMQ: the connection and what may befall it, consumers,
//!   the log of all events, dead letters

mod messages;
