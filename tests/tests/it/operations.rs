//! Running the shop: what people who operate it do, and what they are told.
//!
//! - `first_minutes`: from `up` to the first confirmed order, by every way in
//! - `configuration`: changes while it runs, and files that break
//! - `refusals`: what `up` and `reset` refuse, and why
//! - `endings`: drained, killed, started again
//! - `control_plane`: who may change what
//! - `elsewhere`: a shop that is asked by its addresses alone, as if nobody supervised it
//! - `surfaces`: what every process shows to those who watch it

mod configuration;
mod control_plane;
mod elsewhere;
mod endings;
mod first_minutes;
mod refusals;
mod surfaces;

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tradewind-under-test");

/// What a command printed as JSON.
#[track_caller]
fn json((code, out, err): (i32, String, String)) -> Value {
    assert_eq!(code, 0, "{out}\n{err}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
}
