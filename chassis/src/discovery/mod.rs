//! Discovery: finding the live instances of a service, and being found.
//!
//! - [`Consul`]: the few calls of Consul's HTTP API that we use, typed
//! - [`Discovery`]: what callers ask for instances; [`Directory`] follows the registry by blocking
//!   query, [`DnsDirectory`] asks for names where there is no registry, [`StaticDirectory`] holds fixed addresses
//! - [`discovery_at`]: which of them, by the address of the registry
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
mod dns;
mod doubt;
mod error;
mod fixed;
mod lock;
mod registration;
mod views;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use consul::{Answer, Consul, Entry, SessionRequest};
pub use directory::Directory;
pub use dns::DnsDirectory;
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

/// Discovery at the address of a registry, until `shutdown`. `http://HOST:PORT` is a Consul, whose client comes with
/// it, to register and to lock; `dns://{module}.DOMAIN:PORT` asks for names, and there is nothing to register with.
pub fn discovery_at(
    registry: &str,
    token: Option<String>,
    shutdown: CancellationToken,
) -> Result<(Option<Consul>, Arc<dyn Discovery>), DiscoveryError> {
    if is_by_name(registry) {
        return Ok((None, Arc::new(DnsDirectory::new(registry, shutdown)?)));
    }
    let consul = Consul::new(registry, token).map_err(or_names)?;
    Ok((Some(consul.clone()), Arc::new(Directory::new(consul, shutdown))))
}

/// Whether [`discovery_at`] could do with this address of a registry.
pub(crate) fn check_address(registry: &str) -> Result<(), DiscoveryError> {
    if is_by_name(registry) {
        return dns::check_address(registry);
    }
    consul::base(registry).map(drop).map_err(or_names)
}

/// Whoever may name either, and named neither, is told of both.
fn or_names(error: DiscoveryError) -> DiscoveryError {
    match error {
        DiscoveryError::Address { address, reason } if reason == consul::WANTED => {
            let reason = format!("{reason}, or dns://{{module}}.DOMAIN:PORT for names");
            DiscoveryError::Address { address, reason }
        }
        other => other,
    }
}

/// Whether the address of a registry asks for names instead.
pub(crate) fn is_by_name(registry: &str) -> bool {
    registry.starts_with("dns:")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(registry: &str) -> Result<Option<Consul>, String> {
        let found = discovery_at(registry, None, CancellationToken::new());
        found.map(|(consul, _)| consul).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn the_scheme_says_who_is_asked() {
        assert!(at("http://consul:8500").unwrap().is_some());
        assert!(at("dns://{module}:9000").unwrap().is_none(), "there is nothing to lock");
        assert!(check_address("http://consul:8500").and(check_address("dns://{module}:9000")).is_ok());
        for (wrong, says) in [
            ("dns://orders:9000", "{module}"),
            ("dns:{module}:9000", "dns://"),
            ("consul:8500", "http://HOST:PORT"),
            ("8500", "http://HOST:PORT"),
            ("8500", "dns://{module}.DOMAIN:PORT"),
            ("ftp://me:hunter2@consul", "http://HOST:PORT"),
            ("me:hunter2@consul:8500", "http://HOST:PORT"),
            ("dns://me:hunter2@{module}:9000", "dns://"),
            ("https://consul:8501", "there is no TLS here"),
            ("http://me:hunter2@consul:8500", "TRADEWIND_REGISTRY_TOKEN"),
            ("http://hunter2@consul:8500", "http://consul:8500"),
            ("http://consul:8500?token=hunter2", "TRADEWIND_REGISTRY_TOKEN"),
        ] {
            let error = at(wrong).unwrap_err();
            assert_eq!(check_address(wrong).unwrap_err().to_string(), error, "before anything is started");
            assert!(error.contains(says) && !error.contains("hunter2"), "{wrong}: {error}");
        }
    }

    #[tokio::test]
    async fn whoever_is_away_is_named() {
        let consul = at("http://127.0.0.1:1/").unwrap().unwrap();
        assert_eq!(consul.address(), "http://127.0.0.1:1");
        let error = consul.kv_put("a", Vec::new()).await.unwrap_err();
        let told = contracts::error::chain(&error);
        assert!(told.contains("http://127.0.0.1:1 did not answer") && told.contains("refused"), "{told}");
    }
}
