//! What an order is and how it moves, without a clock, a database or a network.
//!
//! - [`saga`]: the state machine: `step(state, input) → (state, effects)`
//! - [`placing`]: from a request to an order with its prices

pub mod placing;
pub mod saga;

pub use placing::{Draft, priced, validate, weight_grams};
pub use saga::{Effect, Input, Reason, State, Step, awaited, step};
