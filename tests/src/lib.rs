//! What the system tests share.
//!
//! - [`sim`]: the saga in a seeded single-threaded simulation
//! - [`shop`]: a whole shop of real processes, for one test

pub mod shop;
pub mod sim;
