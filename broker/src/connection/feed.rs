//! Reads a stream for one consumer, as fast as that one takes it.

use std::sync::Arc;

use crate::core::Feeding;
use crate::shared::Shared;

/// How many entries, and how many bytes, are read in one go.
const ENTRIES: usize = 512;
const BYTES: usize = 256 * 1024;

/// Feeds a consumer until it is gone.
pub(super) async fn feed(shared: Arc<Shared>, feeding: Feeding) {
    let killed = shared.killed.clone();
    tokio::select! {
        () = read_for(shared, feeding) => {}
        () = killed.cancelled() => {}
    }
}

async fn read_for(shared: Arc<Shared>, feeding: Feeding) {
    let Feeding { queue, consumer, mut reader, wake } = feeding;
    let mut progress = shared.scribe.watch();
    loop {
        let Some(credit) = shared.core.lock().stream_credit(queue, consumer) else { return };
        if credit == 0 {
            wake.notified().await;
            continue;
        }
        progress.borrow_and_update();
        if !reader.has_more() {
            tokio::select! {
                changed = progress.changed() => if changed.is_err() { return },
                () = wake.notified() => {}
            }
            continue;
        }
        let reading = tokio::task::spawn_blocking(move || {
            let entries = reader.read(credit.min(ENTRIES), BYTES);
            (reader, entries)
        });
        let Ok((back, entries)) = reading.await else { return };
        reader = back;
        match entries {
            Ok(entries) => {
                let entries = entries.into_iter().map(|entry| (entry.offset, entry.payload)).collect();
                shared.core.lock().feed(queue, consumer, entries);
            }
            Err(error) => {
                tracing::error!(%error, "a stream cannot be read: {error}");
                shared.core.lock().end_feed(queue, consumer);
                return;
            }
        }
    }
}
