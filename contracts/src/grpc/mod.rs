//! The generated protobuf types and the conversions to and from them.
//!
//! - [`pb`]: the generated messages, servers and clients, one module a port
//! - [`Proto`]: the plain type on one side, its message on the other; one file a port implements it
//! - [`status`]: a [`Problem`] as a gRPC status, and back
//! - [`FILE_DESCRIPTOR_SET`]: what reflection serves
//!
//! A conversion checks only what a message cannot say by itself (an id that is a UUID, a currency of
//! the shop, a field that must be there). Whether a quantity or a name makes sense is for the
//! service to judge, so that every wire gives the same answer.

mod catalog;
mod common;
mod convert;
mod inventory;
mod notifications;
mod orders;
mod payments;
mod recommendations;
mod shipping;
pub mod status;
#[cfg(test)]
mod tests;

use crate::error::Problem;

/// Every `.proto` file with its comments and imports, as an encoded `FileDescriptorSet`: what gRPC
/// reflection serves.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

mod generated {
    #![allow(missing_docs, unused_qualifications, clippy::all, clippy::unwrap_used)]
    include!(concat!(env!("OUT_DIR"), "/modules.rs"));
}

/// What is generated from `contracts/proto`, one module a package.
pub mod pb {
    pub use super::generated::google::protobuf::Timestamp;
    pub use super::generated::tradewind::catalog::v1 as catalog;
    pub use super::generated::tradewind::common::v1 as common;
    pub use super::generated::tradewind::inventory::v1 as inventory;
    pub use super::generated::tradewind::notifications::v1 as notifications;
    pub use super::generated::tradewind::orders::v1 as orders;
    pub use super::generated::tradewind::payments::v1 as payments;
    pub use super::generated::tradewind::recommendations::v1 as recommendations;
    pub use super::generated::tradewind::shipping::v1 as shipping;
}

/// A plain type that has a protobuf message: every request and every reply of every port, and what
/// they are made of. The trip to the message and back changes nothing.
pub trait Proto: Sized {
    /// Its message.
    type Message: prost::Message + Default + 'static;

    /// The message that says the same.
    fn into_message(self) -> Self::Message;

    /// What the message says, or an `invalid_request` that names the field at fault by its path.
    fn from_message(message: Self::Message) -> Result<Self, Problem>;
}
