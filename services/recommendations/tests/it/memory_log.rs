//! An event log in memory, as a broker's stream behaves: it is appended to, its beginning may be cut off,
//! and whoever reads it begins where they like.

use std::sync::Arc;

use async_trait::async_trait;
use contracts::messages::Message;
use parking_lot::Mutex;
use recommendations::log::{EventLog, LogEntry, LogReader};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How many entries a reader gets at a time.
const BATCH: usize = 5;

#[derive(Default)]
pub struct MemoryLog {
    entries: Mutex<Entries>,
    appended: watch::Sender<()>,
}

#[derive(Default)]
struct Entries {
    begin: u64,
    messages: Vec<Result<Message, String>>,
}

impl MemoryLog {
    pub fn append(&self, messages: impl IntoIterator<Item = Message>) {
        self.entries.lock().messages.extend(messages.into_iter().map(Ok));
        self.appended.send_replace(());
    }

    pub fn append_unreadable(&self, cause: &str) {
        self.entries.lock().messages.push(Err(cause.to_owned()));
        self.appended.send_replace(());
    }

    /// Deletes what is before `begin`.
    pub fn cut(&self, begin: u64) {
        self.entries.lock().begin = begin;
    }

    pub fn len(&self) -> u64 {
        self.entries.lock().messages.len() as u64
    }

    /// Up to `most` entries from `from` on.
    pub fn entries(&self, from: u64, most: usize) -> Vec<LogEntry> {
        let entries = self.entries.lock();
        let from = from.max(entries.begin);
        let entry = |(message, offset): (&Result<Message, String>, u64)| LogEntry {
            offset,
            message: message.clone(),
        };
        let all = entries.messages.iter().zip(0u64..);
        all.skip(usize::try_from(from).expect("small")).take(most).map(entry).collect()
    }
}

#[async_trait]
impl EventLog for MemoryLog {
    async fn end(&self) -> Result<u64, String> {
        Ok(self.len())
    }

    async fn read(&self, reader: Arc<dyn LogReader>, shutdown: CancellationToken) {
        let mut appended = self.appended.subscribe();
        let reading = async {
            loop {
                tokio::task::yield_now().await;
                let Ok(mut at) = reader.next_offset().await else { continue };
                loop {
                    appended.mark_unchanged();
                    let entries = self.entries(at, BATCH);
                    let Some(last) = entries.last() else {
                        appended.changed().await.expect("the log is there");
                        continue;
                    };
                    at = last.offset + 1;
                    while reader.read(&entries).await.is_err() {
                        tokio::task::yield_now().await;
                    }
                }
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = reading => {}
        }
    }
}
