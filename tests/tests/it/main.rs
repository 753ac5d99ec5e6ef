//! What crosses crates and processes. One executable, so that it links once.

mod bad_input;
mod conformance;
mod crashes;
mod direction;
mod engines;
mod idempotency;
mod messages;
mod moves;
mod operations;
mod outcomes;
mod races;
mod simulation;
mod telemetry;
mod topologies;
mod wires;
