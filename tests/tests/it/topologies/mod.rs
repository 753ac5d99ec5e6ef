//! The shop as its topology arranges it, whichever that is: `TRADEWIND_TEST_TOPOLOGY` decides.
//!
//! - `arrangement`: what stands where, and that those who ask are told so
//! - `deaths`: each process dies under a stream of orders
//! - `whole`: what needs several modules works, wherever they live

mod arrangement;
mod deaths;
mod whole;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tradewind-under-test");
