//! AMQP 0-9-1 on the wire: from bytes to frames and methods, and back. Nothing here does I/O, and nothing here
//! panics or recurses, whatever a client sends.
//!
//! - [`read`]: takes frames from what has arrived
//! - [`method`]: what a method frame asks for
//! - [`properties`]: looks at, and edits, the properties of a message without taking them apart
//! - [`table`]: judges field tables before anybody decodes them
//! - [`write`]: appends frames to what is to be sent
//!
//! Methods that a client sends seldom, and tables, are decoded by amq-protocol, once it is sure that they are
//! well formed. What comes with every message is read and written by hand.

mod cursor;
mod generate;
pub(crate) mod method;
pub(crate) mod properties;
pub(crate) mod read;
mod refuse;
#[cfg(test)]
mod samples;
pub(crate) mod table;
pub(crate) mod write;
