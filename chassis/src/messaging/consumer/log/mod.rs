//! The log of all events, read in its order, from any point, as often as one likes.
//!
//! - [`stream`]: at a broker, where it is a stream
//! - [`local`]: in the database of the module that reads it, where there is no broker
//! - `spans`: what reading is in the traces of what is read

mod local;
mod spans;
pub(in crate::messaging) mod stream;

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use contracts::error::chain;
use contracts::messages::Message;
use contracts::messages::queues::EVENT_LOG;
use tokio_util::sync::CancellationToken;

use self::spans::Reading;
use super::{AGAIN, RESUME, guarded};
use crate::messaging::Bus;
use crate::messaging::broker::{PublishError, consumed};
use crate::messaging::bus::{Carrier, Turn};

/// How many entries a reader is given at a time, at most.
pub const BATCH: u16 = 256;

/// An event in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogEntry {
    /// Where it stands: each entry's is greater than that of the one before.
    pub offset: u64,
    /// What it says, or why it cannot be read.
    pub message: Result<Message, String>,
}

/// Reads the log of all events, and remembers how far it got.
#[async_trait]
pub trait LogReader: Send + Sync + 'static {
    /// The first offset that it has not read yet; 0 to begin with.
    async fn next_offset(&self) -> Result<u64, String>;

    /// Reads entries, which come in order and without a gap. An error has the same entries come again.
    async fn read(&self, entries: &[LogEntry]) -> Result<(), String>;

    /// As which module its reading is to be seen in the traces of the events; nothing where they were read before,
    /// and nothing comes of it.
    fn traced_as(&self) -> Option<&'static str> {
        None
    }
}

/// Reads the log until `shutdown`, while the bus is open, from where `reader` says and in its order.
pub async fn read_log(bus: Bus, reader: Arc<dyn LogReader>, shutdown: CancellationToken) {
    let reading = async |Turn { stop, .. }: Turn| match bus.carrier() {
        Carrier::Broker(broker) => stream::read(broker, reader.clone(), stop).await,
        Carrier::InProcess(in_process) => local::read(in_process, reader.clone(), stop).await,
    };
    bus.gate().while_open("a reader of the event log", shutdown, reading).await;
}

/// The offset of the last entry of the log; nothing while it is empty. For a replay that wants to know
/// when it has caught up.
pub async fn log_end(bus: &Bus) -> Result<Option<u64>, PublishError> {
    match bus.carrier() {
        Carrier::Broker(broker) => stream::end(&broker.link().await?).await,
        Carrier::InProcess(in_process) => {
            in_process.log()?.last().await.map_err(|error| PublishError::Away(chain(&error)))
        }
    }
}

/// Where a reader begins in a log that ends at `end`.
async fn beginning(
    reader: &Arc<dyn LogReader>,
    end: impl Future<Output = Result<Option<u64>, String>>,
) -> Result<u64, String> {
    let reader = reader.clone();
    let next = guarded(async move { reader.next_offset().await }).await??;
    if next == 0 {
        return Ok(0);
    }
    let end = end.await?.ok_or("the log shows no entries, and some were read from it already")?;
    if next <= end.saturating_add(1) {
        return Ok(next);
    }
    tracing::error!(
        next,
        end,
        "{EVENT_LOG} ends before entry {next}, up to which it was read already: it was deleted and begun anew, and \
         is read from its beginning"
    );
    Ok(0)
}

/// Has a reader read entries, again and again until it has; says what to read next, or what came between.
async fn surely<E>(
    reader: &Arc<dyn LogReader>,
    carrier: &'static str,
    entries: Arc<[LogEntry]>,
    next: u64,
    interrupted: impl Future<Output = E>,
) -> Result<u64, E> {
    let Some(last) = entries.last().map(|entry| entry.offset) else { return Ok(next) };
    let mut interrupted = std::pin::pin!(interrupted);
    let mut failures: u32 = 0;
    loop {
        let (reader, batch) = (reader.clone(), entries.clone());
        let begun = Instant::now();
        let spans =
            reader.traced_as().and_then(|module| Reading::begin(module, carrier, &batch)).map(Arc::new);
        let inside = spans.clone();
        let read = guarded(async move {
            match inside {
                Some(spans) => spans.around(reader.read(&batch)).await,
                None => reader.read(&batch).await,
            }
        });
        let read = read.await.and_then(|read| read);
        if let (Some(spans), Err(cause)) = (&spans, &read) {
            spans.fail(cause);
        }
        consumed(EVENT_LOG, if read.is_ok() { "done" } else { "again" }, begun.elapsed());
        let Err(cause) = read else { return Ok(last.saturating_add(1)) };
        failures = failures.saturating_add(1);
        if failures == 1 {
            tracing::warn!(cause, "{EVENT_LOG} cannot be read on from {next} yet: {cause}");
        }
        tokio::select! {
            what = &mut interrupted => return Err(what),
            () = tokio::time::sleep(AGAIN.after(failures)) => {}
        }
    }
}

/// Waits before reading begins anew after failures in a row; nothing when it is told to stop meanwhile.
async fn rest(why: &str, failures: u32, stop: &CancellationToken) -> Option<()> {
    tracing::debug!(why, "reading {EVENT_LOG} begins anew: {why}");
    stop.run_until_cancelled(tokio::time::sleep(RESUME.after(failures))).await
}
