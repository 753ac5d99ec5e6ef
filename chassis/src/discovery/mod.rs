//! Discovery: finding the live instances of a service, and being found.
//!
//! - [`Consul`]: the few calls of Consul's HTTP API that we use, typed
//! - [`Discovery`]: what callers ask for instances; [`Directory`] follows the registry by blocking
//!   query, [`StaticDirectory`] holds fixed addresses
//! - [`Registration`]: keeps an instance registered and its TTL check passing
//! - [`Lock`]: a registry lock for work that only one instance may do
//!
//! The registry may be away, or come back without its memory, at any time. A caller then keeps the
//! instances it knew last, and an instance registers again by itself, within a third of its TTL.
//! A registry that comes back and knows nobody is not believed for 10 s, or until it knows somebody.
//! From then on its word counts: instances that have yet to register again are missing until they do.

mod backoff;
mod base64;
mod consul;
mod directory;
mod doubt;
mod error;
mod fixed;
mod lock;
mod registration;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

pub use consul::{Answer, Consul, Entry, SessionRequest};
pub use directory::Directory;
pub use error::DiscoveryError;
pub use fixed::StaticDirectory;
pub use lock::{Lock, LockRequest};
pub use registration::Registration;

/// One process that offers a service, at one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Names the instance among all of all services; it stays the same as long as the process lives.
    pub id: String,
    /// The service that it offers.
    pub service: String,
    /// Where it listens: `host:port`, with an IPv6 host in brackets.
    pub address: String,
    /// What else it says about itself.
    pub meta: BTreeMap<String, String>,
}

/// Who offers a service right now.
pub trait Discovery: Send + Sync + 'static {
    /// The instances known at this moment, in order of their ids. Never waits: the first question
    /// about a service is answered with none, and starts to watch it.
    fn instances(&self, service: &str) -> Arc<[Instance]>;

    /// The instances, and each change of them.
    fn changed(&self, service: &str) -> watch::Receiver<Arc<[Instance]>>;
}
