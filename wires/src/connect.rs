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

/// A wire that is to be used, and whom it would reach.
pub(crate) struct Reach {
    service: &'static str,
    discovery: Arc<dyn Discovery>,
    transport: Arc<dyn Connect>,
}

impl Reach {
    pub(crate) fn new(
        service: &'static str,
        discovery: Arc<dyn Discovery>,
        transport: impl Connect + 'static,
    ) -> Self {
        Self { service, discovery, transport: Arc::new(transport) }
    }

    /// Connects to every instance that is known now. One that answers is enough; where none is known
    /// no wire is better than another.
    pub(crate) async fn establish(&self) -> Result<(), String> {
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
