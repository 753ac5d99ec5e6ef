//! Turns at a SQLite file among processes.
//!
//! SQLite lets whoever finds its file locked try again after ever longer pauses, so a process that writes without
//! pause keeps all others out for as long as it likes. Here they queue: a process takes its place in front of the
//! door, then the door, and only then gives up the place. Whoever leaves finds somebody in that place, and
//! waits behind them. Both are locks of the system on empty files beside the database, which it lets go of when a
//! process dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

/// One process's way to write to a file.
#[derive(Debug)]
pub(super) struct Turnstile {
    place: PathBuf,
    door: PathBuf,
    /// The door, while it is this process's turn.
    turn: Mutex<Option<File>>,
}

impl Turnstile {
    /// The one of a database file.
    pub fn of(database: &Path) -> Self {
        let beside = |what: &str| database.with_extension(format!("db.{what}"));
        Self { place: beside("waiting"), door: beside("writing"), turn: Mutex::default() }
    }

    /// Waits until it is this process's turn. Given up, it has no turn.
    pub async fn enter(&self) -> io::Result<()> {
        let (place, door) = (open(&self.place)?, open(&self.door)?);
        let door = if is_free(&place)? && is_free(&door)? {
            door
        } else {
            let waited = tokio::task::spawn_blocking(move || {
                place.lock()?;
                door.lock()?;
                Ok::<_, io::Error>(door)
            });
            waited.await??
        };
        *self.turn.lock() = Some(door);
        Ok(())
    }

    /// Lets others have their turn.
    pub fn leave(&self) {
        self.turn.lock().take();
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// Takes a lock that nobody has.
fn is_free(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
    use std::time::Duration;

    use super::*;

    /// Somebody who enters while others come and go without a pause gets a turn, and has it alone.
    #[tokio::test(flavor = "multi_thread", worker_threads = 3)]
    async fn nobody_is_kept_out_by_those_who_never_rest() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("shop.db");
        let (inside, over) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
        let turns = |rounds: u32| {
            let (turnstile, inside, over) = (Turnstile::of(&file), inside.clone(), over.clone());
            tokio::spawn(async move {
                for _ in 0..rounds {
                    turnstile.enter().await.expect("enters");
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "alone");
                    inside.fetch_sub(1, Ordering::SeqCst);
                    turnstile.leave();
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                }
            })
        };
        let restless = [turns(u32::MAX), turns(u32::MAX)];
        let patient = tokio::time::timeout(Duration::from_secs(60), turns(100)).await;
        over.store(true, Ordering::Relaxed);
        patient.expect("a hundred turns in time").expect("alone each time");
        for one in restless {
            one.await.expect("alone each time");
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn whoever_gives_up_waiting_keeps_nobody_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("shop.db");
        let (one, other) = (Turnstile::of(&file), Turnstile::of(&file));
        one.enter().await.expect("enters");
        tokio::time::timeout(Duration::from_millis(20), other.enter()).await.expect_err("waits");
        one.leave();
        tokio::time::timeout(Duration::from_secs(60), one.enter()).await.expect("in time").expect("enters");
    }
}
