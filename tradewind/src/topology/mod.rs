//! Topologies: which modules share a process, and what stands around them. Data only: nothing here starts
//! anything, and no module knows its topology.
//!
//! - [`Part`]: the modules
//! - [`Topology`]: a topology as data, and what the supervisor asks it
//! - `asked`: what the supervisor asks of it besides
//! - [`edges`]: who calls whom, and who says and hears events, whatever the topology
//! - [`file`]: from the text of a file to a topology, or to every fault at once
//! - `built_in`: the files of `topologies/`, which travel in the executable
//! - `find`: from what somebody typed to a topology
//! - `changes`: what becomes different from one topology to another, in words
//! - [`drawing`]: a topology as text for a terminal, and as a picture

mod asked;
mod built_in;
mod changes;
pub mod drawing;
pub mod edges;
pub mod file;
mod find;
mod model;
mod part;
#[cfg(test)]
mod road;
#[cfg(test)]
mod samples;

pub use edges::{Way, usual_wire};
pub use find::FindError;
pub use model::{Database, Edge, Events, ProcessSpec, Supporting, Topology};
pub use part::Part;
