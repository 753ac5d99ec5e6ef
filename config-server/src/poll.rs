//! What changes from outside: files, and what other replicas wrote.
//!
//! Each replica has files of its own, and sees a change of them at a moment of its own. So each records it
//! when it begins to serve it, also where another has done so before: whatever changes what a replica
//! serves is a version in the common database, and all replicas tell their watchers of every version.

use std::time::Duration;

use chassis::config::protocol::ChangeKind;
use chassis::store::StoreError;
use contracts::Timestamp;
use serde_json::Value;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::core::Core;
use crate::files::{FileChange, Files};
use crate::store::{Appended, ChangeSet, FILES, Place, Snapshot};

/// Looks every `period`, until `shutdown`.
pub(crate) async fn run(core: &Core, period: Duration, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = look(core).await {
            tracing::warn!(%error, "could not look for changes, and tries again: {error}");
        }
    }
}

async fn look(core: &Core) -> Result<(), StoreError> {
    core.catch_up().await?;
    let mut files = core.state.read().files.clone();
    // reading files blocks
    let refreshed =
        tokio::task::spawn_blocking(move || files.refresh().map(|changes| (files, changes))).await;
    match refreshed {
        Ok(Ok((files, changes))) if changes.is_empty() => core.state.write().files = files,
        Ok(Ok((files, changes))) => {
            for change in &changes {
                tracing::info!(file = change.name, "configuration file {} changed", change.name);
            }
            record_files(core, files, &Found::Changed(changes)).await?;
        }
        Ok(Err(error)) => tracing::warn!(%error, "the configuration folder cannot be read: {error}"),
        Err(error) => tracing::error!(%error, "looking at the configuration folder failed: {error}"),
    }
    Ok(())
}

/// Which files are recorded.
#[derive(Debug)]
pub(crate) enum Found {
    /// At a start: those that differ from what was last recorded, and so changed while this server was not running.
    AtStart,
    /// Later: those whose served content changed here, whatever was recorded of them.
    Changed(Vec<FileChange>),
}

impl Found {
    fn changes(&self, files: &Files, stored: &Snapshot) -> Vec<(Place, Option<Value>)> {
        match self {
            Self::AtStart => differences(files, stored),
            Self::Changed(changes) => {
                let change =
                    |change: &FileChange| (place(&change.name), change.hash.clone().map(Value::from));
                changes.iter().map(change).collect()
            }
        }
    }
}

/// Serves new files, and makes what was found a version of its own: the history then says when a file
/// changed, and every watcher of every replica learns of it.
pub(crate) async fn record_files(core: &Core, files: Files, found: &Found) -> Result<(), StoreError> {
    let _deciding = core.deciding.lock().await;
    let mut stored = core.state.read().stored.clone();
    loop {
        let set = ChangeSet {
            expected: stored.version,
            kind: ChangeKind::File,
            who: "file".into(),
            at: Timestamp::now(),
            changes: found.changes(&files, &stored),
        };
        if !set.changes.is_empty() {
            match core.store.append(&set).await? {
                Appended::As(version) => stored.apply(&set, version),
                // another replica was faster, perhaps with the same files; these are served from now on only
                Appended::Stale => {
                    stored = core.store.load().await?;
                    continue;
                }
            }
        }
        core.publish(|state| {
            state.files = files;
            state.stored = stored;
        });
        return Ok(());
    }
}

fn place(file: &str) -> Place {
    Place { application: FILES.into(), profile: String::new(), key: file.into() }
}

fn differences(files: &Files, stored: &Snapshot) -> Vec<(Place, Option<Value>)> {
    let recorded = |name: &str| stored.values.get(&place(name)).and_then(|recorded| recorded.value.as_str());
    let changed = files.hashes().filter(|(name, hash)| recorded(name) != Some(hash));
    let changed = changed.map(|(name, hash)| (place(name), Some(Value::from(hash))));
    let gone =
        stored.values.keys().filter(|place| place.application == FILES && files.leaves(&place.key).is_none());
    changed.chain(gone.map(|place| (place.clone(), None))).collect()
}
