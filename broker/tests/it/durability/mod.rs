//! What was confirmed is there after any end: real processes under `kill -9`, logs that end anywhere.
//!
//! - [`killable`]: the embedded broker as a process that is killed and started again on the same folder

mod killable;
mod killed;
mod odd;
mod tidy;
mod torn;
