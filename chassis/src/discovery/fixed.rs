//! Instances at fixed addresses: for tests, and where nothing needs to be discovered.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::{Discovery, Instance};

/// A [`Discovery`] that says what it was told.
#[derive(Debug, Default)]
pub struct StaticDirectory {
    services: Mutex<HashMap<String, watch::Sender<Arc<[Instance]>>>>,
}

impl StaticDirectory {
    /// A directory without instances.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same directory with one instance of `service` at each address.
    pub fn with(self, service: &str, addresses: &[&str]) -> Self {
        let instance = |(number, address): (usize, &&str)| Instance {
            id: format!("{service}-{number}"),
            service: service.to_owned(),
            address: (*address).to_owned(),
            meta: Default::default(),
        };
        self.set(service, addresses.iter().enumerate().map(instance).collect());
        self
    }

    /// Replaces the instances of a service; who watches it sees the change.
    pub fn set(&self, service: &str, instances: Vec<Instance>) {
        self.sender(service).send_replace(instances.into());
    }

    fn sender(&self, service: &str) -> watch::Sender<Arc<[Instance]>> {
        let mut services = self.services.lock();
        services.entry(service.to_owned()).or_insert_with(|| watch::Sender::new(Arc::from([]))).clone()
    }
}

impl Discovery for StaticDirectory {
    fn instances(&self, service: &str) -> Arc<[Instance]> {
        self.sender(service).borrow().clone()
    }

    fn changed(&self, service: &str) -> watch::Receiver<Arc<[Instance]>> {
        self.sender(service).subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tells_its_watchers_of_a_change() {
        let directory = StaticDirectory::new().with("inventory", &["127.0.0.1:1"]);
        let mut changes = directory.changed("inventory");
        assert_eq!(changes.borrow_and_update()[0].address, "127.0.0.1:1");
        directory.set("inventory", Vec::new());
        changes.changed().await.unwrap();
        assert!(directory.instances("inventory").is_empty());
    }
}
