//! What an order is and how it moves, without a clock, a database or a network.
//!
//! - [`order`]: an order as it is kept
//! - [`placing`]: from a request to an order with its prices
//! - [`saga`]: the state machine: `step(state, input) → (state, effects)`
//! - [`progress`]: what an input makes of an order: its steps, and what they say to others
//! - [`messages`]: what a move says to the world, and what the world's messages mean to an order
//! - [`early`]: what is heard of an order before its time

pub mod early;
pub mod messages;
pub mod order;
pub mod placing;
pub mod progress;
pub mod saga;

pub use order::{Driver, StoredOrder};
pub use placing::{Draft, priced, validate, weight_grams};
pub use progress::{Progress, asked_again, progress};
pub use saga::{Effect, Input, Reason, State, Step, awaited, step};
