//! Connecting a wire before it is used, so that a switch to a wire that does not work changes nothing.

use std::sync::Arc;

use async_trait::async_trait;
use chassis::discovery::Discovery;

/// A transport that can connect ahead of its first call.
#[async_trait]
pub(crate) trait Connect: Send + Sync {
    /// Connects to one instance, or says why not.
    async fn connect(&self, address: &str) -> Result<(), String>;
}

/// A wire that is to be used.
#[async_trait]
pub(crate) trait Reach: Send + Sync {
    /// Connects it, or says why it would reach nobody.
    async fn establish(&self) -> Result<(), String>;
}

/// A wire that would reach every instance by itself.
pub(crate) struct Instances {
    service: &'static str,
    discovery: Arc<dyn Discovery>,
    transport: Arc<dyn Connect>,
}

impl Instances {
    pub(crate) fn new(
        service: &'static str,
        discovery: Arc<dyn Discovery>,
        transport: impl Connect + 'static,
    ) -> Self {
        Self { service, discovery, transport: Arc::new(transport) }
    }
}

#[async_trait]
impl Reach for Instances {
    /// Connects to every instance that is known now. One that answers is enough; where none is known
    /// no wire is better than another.
    async fn establish(&self) -> Result<(), String> {
        let instances = self.discovery.instances(self.service);
        let attempts = instances.iter().map(|instance| self.transport.connect(&instance.address));
        let results = futures::future::join_all(attempts).await;
        if results.is_empty() || results.iter().any(Result::is_ok) {
            return Ok(());
        }
        let reasons: Vec<String> = results.into_iter().filter_map(Result::err).collect();
        Err(reasons.join("; "))
    }
}

/// A wire that this process cannot use, and why.
pub(crate) struct Unreachable(pub(crate) &'static str);

#[async_trait]
impl Reach for Unreachable {
    async fn establish(&self) -> Result<(), String> {
        Err(self.0.to_owned())
    }
}
