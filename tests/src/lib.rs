//! What the system tests share.
//!
//! - [`sim`]: the saga in a seeded single-threaded simulation
//! - [`shop`]: a whole shop of real processes, for one test
//! - [`reply`]: what a client of it was told
//! - [`load`]: customers who place orders meanwhile
//! - [`ground`]: the topology and the databases that whole shops stand on
//! - [`trace`]: what the observatory knows of an order

pub mod ground;
pub mod load;
pub mod reply;
pub mod shop;
pub mod sim;
pub mod trace;
