//! The card network over HTTP, on both engines; and as a process that is killed.

mod api;
mod killed;
