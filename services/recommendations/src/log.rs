//! The log of all events, as far as this module needs it.

use std::sync::Arc;

use async_trait::async_trait;
use chassis::messaging::Bus;
use chassis::messaging::consumer::{log_end, read_log};
use tokio_util::sync::CancellationToken;

pub use chassis::messaging::consumer::{LogEntry, LogReader};

/// A log of events that can be read from any offset, as often as one likes.
#[async_trait]
pub trait EventLog: Send + Sync + 'static {
    /// The offset after the last event; 0 where there is none.
    async fn end(&self) -> Result<u64, String>;

    /// Hands the events to `reader`, in their order and in batches, from where it says that it begins, and
    /// then those that are appended, until `shutdown`. What fails is tried again.
    async fn read(&self, reader: Arc<dyn LogReader>, shutdown: CancellationToken);
}

/// The log of a bus.
pub struct BusLog(
    /// Which bus.
    pub Bus,
);

#[async_trait]
impl EventLog for BusLog {
    async fn end(&self) -> Result<u64, String> {
        let last = log_end(&self.0).await.map_err(|error| error.to_string())?;
        Ok(last.map_or(0, |last| last.saturating_add(1)))
    }

    async fn read(&self, reader: Arc<dyn LogReader>, shutdown: CancellationToken) {
        read_log(self.0.clone(), reader, shutdown).await;
    }
}
