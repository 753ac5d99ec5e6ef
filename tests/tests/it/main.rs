//! What crosses crates and processes. One executable, so that it links once.

mod conformance;
mod direction;
mod simulation;
