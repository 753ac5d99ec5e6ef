//! What is on disk.
//!
//! - [`scribe`]: the one thread that writes and syncs, for all files
//! - [`log`]: records of everything durable but streams, in their order
//! - [`stream`]: the files of streams
//! - `segment`, `folder`: what both are made of

mod folder;
pub(crate) mod log;
pub(crate) mod scribe;
mod segment;
pub(crate) mod stream;
