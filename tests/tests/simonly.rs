//! tmp
#[path = "it/simulation.rs"]
mod simulation;
