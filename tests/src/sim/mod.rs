//! The saga in a seeded, single-threaded simulation, in all three coordinations: the real orders
//! (`orders::service`, `orders::saga`, `orders::amqp`, `orders::domain`) over a simulated store, and
//! simulated modules which act on messages by the real rules (the `reactions` of each service), in virtual
//! time. Calls are delayed, fail, succeed and then time out, or arrive late; messages are delayed,
//! delivered twice, reordered, and their confirms and acknowledgements lost; every process dies at any
//! point between two of its actions and comes back. Afterwards the same audit as `tradewind audit` judges
//! the books.
//!
//! - [`world`]: chance, time, and who is alive
//! - [`network`]: what can become of a call
//! - [`messaging`]: outbox, inbox, relay, broker, consumer
//! - [`modules`]: simulated catalog, inventory, payments and shipping
//! - [`desk`]: what a participant does with a message
//! - [`store`]: orders' store in memory
//! - [`shop`]: the processes, and what survives them
//! - [`shoppers`]: who orders, and what they are told
//! - [`bugs`]: faults planted on purpose, each of which must be found
//! - [`judge`]: what is wrong in the end, besides what the audit finds
//! - [`run`]: one whole run

pub mod bugs;
pub mod desk;
pub mod judge;
pub mod messaging;
pub mod modules;
pub mod network;
pub mod run;
pub mod shop;
pub mod shoppers;
pub mod store;
pub mod world;

pub use bugs::Bug;
pub use run::{Crashes, Outcome, Plan, Weather, simulate};
