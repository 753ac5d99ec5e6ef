//! The saga in simulation.
