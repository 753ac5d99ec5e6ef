//! The embedded service registry: one node that speaks Consul's HTTP API.
//!
//! Services register themselves with their checks, clients watch who is healthy by blocking query,
//! singletons hold locks by session. The same client code runs against a real Consul, which
//! replaces this crate wherever more than one machine is involved.
//!
//! - [`Registry`]: opened on a data folder; gives a router to mount and the background work to run
//! - [`Config`], [`Limits`]: what it is told at the start
//! - `state`: services, checks, keys and sessions in memory, and the rules that bind them; no I/O
//! - `journal`: the file from which that state comes back after a crash
//! - `store`: state and journal under one lock, and the blocking query
//! - `api`: Consul's paths, parameters, JSON and words
//! - `work`: what happens by itself: TTLs lapse, HTTP checks run, the journal is synced and compacted
//!
//! Not for: clusters, ACL policies, service mesh, DNS. `README.md` lists what it answers.

mod api;
mod config;
mod duration;
mod error;
mod journal;
mod registry;
mod state;
mod store;
mod work;

pub use config::{Config, Limits};
pub use error::OpenError;
pub use registry::{Registry, signalled};
