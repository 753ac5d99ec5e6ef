//! The saga in a seeded, single-threaded simulation: the real orders (`orders::service`, `orders::saga`,
//! `orders::domain`) over simulated modules and a simulated store, in virtual time. Calls are delayed,
//! fail, succeed and then time out, or arrive late; the process of orders dies at any point between two
//! of its actions and comes back. Afterwards the same audit as `tradewind audit` judges the books.
//!
//! - [`world`]: chance, time, and who is alive
//! - [`network`]: what can become of a call
//! - [`modules`]: simulated catalog, inventory, payments and shipping
//! - [`store`]: orders' store in memory
//! - [`shoppers`]: who orders, and what they are told
//! - [`bugs`]: faults planted on purpose, each of which the audit must find
//! - [`run`]: one whole run

pub mod bugs;
pub mod modules;
pub mod network;
pub mod run;
pub mod shoppers;
pub mod store;
pub mod world;

pub use bugs::Bug;
pub use run::{Crashes, Outcome, Plan, simulate};
