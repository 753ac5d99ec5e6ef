//! The chassis against real brokers.
//!
//! - [`messages`]: messages through the embedded broker and RabbitMQ: the connection and what may befall it,
//!   consumers, the log of all events, dead letters

mod messages;
