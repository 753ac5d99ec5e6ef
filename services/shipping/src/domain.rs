//! What shipping decides, without I/O.
//!
//! - [`tariff`]: where the carriers go, and what it costs
//! - [`parcel`]: what a shipment may become
//! - [`request`]: what may be asked
//! - [`refusal`]: why something is refused

pub mod parcel;
pub mod refusal;
pub mod request;
pub mod tariff;

pub use parcel::{Booking, Decision, Move, Pace, Parcel};
pub use refusal::Refusal;
