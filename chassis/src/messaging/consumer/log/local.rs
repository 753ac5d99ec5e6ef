//! Reads the log where it is in a database of this process.

use std::sync::Arc;
use std::time::Duration;

use contracts::error::chain;
use tokio_util::sync::CancellationToken;

use super::{BATCH, LogEntry, LogReader, beginning, rest, surely};
use crate::messaging::in_process::{Entry, IN_PROCESS, InProcess};

/// How often to look although nobody said that the log grew: for what another process appended.
const POLL: Duration = Duration::from_secs(1);

/// Reads until it is told to stop.
pub(super) async fn read(in_process: &InProcess, reader: Arc<dyn LogReader>, stop: CancellationToken) {
    let mut failures: u32 = 0;
    loop {
        let mut reading = Reading { in_process, reader: reader.clone(), stop: stop.clone(), read: 0 };
        let Err(why) = reading.run().await else { return };
        failures = if reading.read > 0 { 1 } else { failures.saturating_add(1) };
        if rest(&why, failures, &stop).await.is_none() {
            return;
        }
    }
}

struct Reading<'a> {
    in_process: &'a InProcess,
    reader: Arc<dyn LogReader>,
    stop: CancellationToken,
    // how many entries were read
    read: usize,
}

impl Reading<'_> {
    /// Reads until it is told to stop; an error says what came between.
    async fn run(&mut self) -> Result<(), String> {
        let there = self.stop.run_until_cancelled(self.in_process.log_in_time()).await;
        let Some(log) = there.flatten() else { return Ok(()) };
        let mut appended = self.in_process.appended();
        let end = async { log.last().await.map_err(|error| chain(&error)) };
        let mut next = beginning(&self.reader, end).await?;
        while !self.stop.is_cancelled() {
            appended.mark_unchanged();
            let entries = log.read(next, BATCH).await.map_err(|error| chain(&error))?;
            if entries.is_empty() {
                tokio::select! {
                    () = self.stop.cancelled() => {}
                    _ = appended.changed() => {}
                    () = tokio::time::sleep(POLL) => {}
                }
                continue;
            }
            self.read += entries.len();
            let entries = entries.into_iter().map(entry).collect();
            match surely(&self.reader, IN_PROCESS, entries, next, self.stop.cancelled()).await {
                Ok(after) => next = after,
                Err(()) => return Ok(()),
            }
        }
        Ok(())
    }
}

fn entry(Entry { offset, content }: Entry) -> LogEntry {
    LogEntry { offset, message: content.message().cloned().map_err(str::to_owned) }
}
