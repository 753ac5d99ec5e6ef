//! Holds a call up for as long as a test likes.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::shop::PATIENCE;

/// A gate that a call waits at. It opens once.
#[derive(Debug, Clone)]
pub struct Gate {
    arrivals: Arc<Semaphore>,
    opening: Arc<Semaphore>,
}

impl Default for Gate {
    fn default() -> Self {
        Self { arrivals: Arc::new(Semaphore::new(0)), opening: Arc::new(Semaphore::new(0)) }
    }
}

impl Gate {
    /// Waits until a call stands at the gate.
    pub async fn arrived(&self) {
        let arrival = timeout(PATIENCE, self.arrivals.acquire()).await.expect("a call arrives at the gate");
        arrival.expect("is never closed").forget();
    }

    /// Lets the call through.
    pub fn open(&self) {
        self.opening.add_permits(1);
    }

    /// What the call does at the gate.
    pub(super) async fn pass(&self) {
        self.arrivals.add_permits(1);
        let opened = timeout(PATIENCE, self.opening.acquire()).await.expect("the test opens the gate");
        opened.expect("is never closed").forget();
    }
}
