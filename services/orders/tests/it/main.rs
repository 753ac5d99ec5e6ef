//! Orders on real databases, with the modules that they call faked.
//!
//! - [`store`]: what orders remember: the same test bodies on SQLite and PostgreSQL
//! - [`others`]: the faked modules, which answer as a test scripts them
//! - [`shop`]: the service on a fresh database
//! - [`double`]: the store as a test sees it
//! - [`talk`]: orders that messages drive
//! - the rest: what a caller sees, by subject

mod cancelling;
mod double;
mod endings;
mod idempotency;
mod others;
mod patience;
mod placing;
mod reading;
mod recovery;
mod rest;
mod rivals;
mod shop;
mod silence;
mod store;
mod talk;
