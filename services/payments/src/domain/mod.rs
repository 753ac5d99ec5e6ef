//! The rules of a payment: pure, no I/O, no SQL, no clock.
//!
//! [`step`] is the whole of it: what is known of an order's payment and one input give what is known
//! next, the intent that the card network has yet to fulfil, and the transfers that the ledger gets.
//! An intent is stored before the network is asked, so that a crash between the two leaves a question
//! that can be asked again, never a charge that nobody knows of.
//!
//! - [`state`]: what can be known of a payment
//! - [`step`]: how it changes
//! - [`ledger`]: the transfers, in double entry

pub mod ledger;
pub mod state;
mod step;
#[cfg(test)]
mod tests;

pub use ledger::{Account, Transfer};
pub use state::{Charge, Decline, HoldInLedger, Intent, Known, NetworkState, State};
pub use step::{Input, Refusal, Step, step};
