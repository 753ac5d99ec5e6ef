//! What the system tests share.
//!
//! - [`sim`]: the saga in a seeded single-threaded simulation

pub mod sim;
