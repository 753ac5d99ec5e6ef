//! What the thread does: writes, syncs, tells, deletes.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use parking_lot::{Condvar, Mutex};
use tokio::sync::watch;

use super::{AppendFile, Condition, Durability, Ticket};
use crate::storage::folder;

/// How long after a write that failed it is tried again: a disk that is full may have room then.
const TRY_AGAIN: Duration = Duration::from_millis(200);
/// A buffer that grew larger is not kept for the next batch.
const KEPT_BUFFER: usize = 1 << 20;

/// Shared by those who give work and the thread that does it.
#[derive(Default)]
pub(super) struct Shared {
    waiting: Mutex<Waiting>,
    work: Condvar,
}

#[derive(Default)]
struct Waiting {
    chunks: Vec<Chunk>,
    // files and folders, after all chunks
    removals: VecDeque<PathBuf>,
    // the first of them cannot be deleted; it is tried again when there is other work
    stuck: bool,
    spare: Vec<u8>,
    // after everything that was ever given
    ticket: Ticket,
    bytes: usize,
    ends: Option<End>,
}

/// How the thread ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// When everything is written.
    Finished,
    /// At once, as in a crash.
    Abandoned,
}

struct Chunk {
    file: Arc<AppendFile>,
    offset: u64,
    bytes: Vec<u8>,
    durability: Durability,
    begins: Option<Beginning>,
}

/// The first chunk of a file.
pub(super) struct Beginning {
    /// What must be synced before.
    pub after: Option<Arc<AppendFile>>,
}

/// A round of work.
struct Round {
    chunks: Vec<Chunk>,
    // what is reached once they are written
    ticket: Ticket,
    removal: Option<PathBuf>,
}

/// Why writing stopped.
enum Stopped {
    /// It was told to end.
    Told,
    /// What is on disk is not known any more.
    Broken(String),
}

impl Shared {
    /// See [`Scribe::write`](super::Scribe::write) and [`Scribe::begin`](super::Scribe::begin).
    pub fn put(
        &self,
        file: &Arc<AppendFile>,
        durability: Durability,
        begins: Option<Beginning>,
        fill: impl FnOnce(&mut Vec<u8>),
    ) -> (u64, Ticket) {
        let mut waiting = self.waiting.lock();
        let idle = waiting.chunks.is_empty();
        let offset = file.end();
        let continues =
            begins.is_none() && waiting.chunks.last().is_some_and(|last| Arc::ptr_eq(&last.file, file));
        if !continues {
            let bytes = std::mem::take(&mut waiting.spare);
            waiting.chunks.push(Chunk { file: file.clone(), offset, bytes, durability, begins });
        }
        let Some(chunk) = waiting.chunks.last_mut() else { return (offset, waiting.ticket) };
        if durability == Durability::Synced {
            chunk.durability = durability;
        }
        let before = chunk.bytes.len();
        fill(&mut chunk.bytes);
        let added = chunk.bytes.len() - before;
        file.grow(added as u64);
        waiting.bytes += added;
        // one for each write, also for one that only syncs
        waiting.ticket += 1;
        let ticket = waiting.ticket;
        drop(waiting);
        if idle {
            self.work.notify_one();
        }
        (offset, ticket)
    }

    /// See [`Scribe::remove`](super::Scribe::remove).
    pub fn remove(&self, path: PathBuf) {
        self.waiting.lock().removals.push_back(path);
        self.work.notify_one();
    }

    /// The ticket of everything that was given so far.
    pub fn given(&self) -> Ticket {
        self.waiting.lock().ticket
    }

    /// How many bytes wait.
    pub fn backlog(&self) -> usize {
        self.waiting.lock().bytes
    }

    /// Tells the thread to end; the first word counts.
    pub fn end(&self, how: End) {
        self.waiting.lock().ends.get_or_insert(how);
        self.work.notify_one();
    }

    /// The thread.
    pub fn run(&self, reached: &watch::Sender<Ticket>, condition: &watch::Sender<Condition>) {
        while let Some(Round { chunks, ticket, removal }) = self.next() {
            let written = self.write_all(&chunks, condition);
            match written.and_then(|()| sync_all(&chunks).map_err(Stopped::Broken)) {
                Ok(()) => reached.send_if_modified(|old| std::mem::replace(old, ticket) != ticket),
                Err(Stopped::Told) => return,
                Err(Stopped::Broken(why)) => {
                    condition.send_replace(Condition::Broken(why));
                    return;
                }
            };
            self.keep_buffer(chunks);
            if let Some(path) = removal {
                self.delete(path);
            }
        }
    }

    /// Waits for work.
    fn next(&self) -> Option<Round> {
        let mut waiting = self.waiting.lock();
        loop {
            let idle = waiting.chunks.is_empty() && (waiting.removals.is_empty() || waiting.stuck);
            match waiting.ends {
                Some(End::Abandoned) => return None,
                Some(End::Finished) if idle => return None,
                _ if idle => self.work.wait(&mut waiting),
                _ => {
                    waiting.bytes = 0;
                    return Some(Round {
                        chunks: std::mem::take(&mut waiting.chunks),
                        ticket: waiting.ticket,
                        // one a round, so that writes need not wait for all of them
                        removal: waiting.removals.pop_front(),
                    });
                }
            }
        }
    }

    /// Writes every chunk where it belongs, however often it takes.
    fn write_all(&self, chunks: &[Chunk], condition: &watch::Sender<Condition>) -> Result<(), Stopped> {
        for chunk in chunks {
            if let Some(Beginning { after: Some(after) }) = &chunk.begins {
                sync(after).map_err(Stopped::Broken)?;
            }
            // what was written in part is written again in the same place
            while let Err(error) = chunk.file.write_all_at(&chunk.bytes, chunk.offset) {
                let refusal = format!("{} cannot be written: {error}", chunk.file.path().display());
                become_of(condition, Condition::Refusing(refusal));
                let mut waiting = self.waiting.lock();
                if waiting.ends.is_some() {
                    return Err(Stopped::Told);
                }
                self.work.wait_for(&mut waiting, TRY_AGAIN);
            }
        }
        become_of(condition, Condition::Well);
        Ok(())
    }

    fn delete(&self, path: PathBuf) {
        let deleted = delete(&path);
        let mut waiting = self.waiting.lock();
        match deleted {
            Ok(()) => waiting.stuck = false,
            Err(error) => {
                if !waiting.stuck {
                    tracing::warn!(path = %path.display(), %error, "{} cannot be deleted: {error}", path.display());
                }
                // nothing overtakes it: of the segments of a log, the oldest is deleted first
                waiting.removals.push_front(path);
                waiting.stuck = true;
            }
        }
    }

    fn keep_buffer(&self, chunks: Vec<Chunk>) {
        let Some(mut buffer) = chunks.into_iter().map(|chunk| chunk.bytes).max_by_key(Vec::capacity) else {
            return;
        };
        if buffer.capacity() <= KEPT_BUFFER {
            buffer.clear();
            self.waiting.lock().spare = buffer;
        }
    }
}

fn become_of(condition: &watch::Sender<Condition>, new: Condition) {
    condition.send_if_modified(|old| {
        *old != new && {
            *old = new;
            true
        }
    });
}

/// Syncs each file once that asks for it, and the folders of those that are new.
fn sync_all(chunks: &[Chunk]) -> Result<(), String> {
    let mut files: Vec<&Arc<AppendFile>> = Vec::new();
    for chunk in chunks.iter().filter(|chunk| chunk.durability == Durability::Synced) {
        if chunk.begins.is_some() {
            sync_folder(chunk.file.path()).map_err(|error| unsynced(chunk.file.path(), &error))?;
        }
        if !files.iter().any(|file| Arc::ptr_eq(file, &chunk.file)) {
            files.push(&chunk.file);
        }
    }
    files.into_iter().try_for_each(sync)
}

/// Syncs a file. After this has failed, the system may have dropped what it could not write, and says so once.
fn sync(file: &Arc<AppendFile>) -> Result<(), String> {
    file.sync().map_err(|error| unsynced(file.path(), &error))
}

fn unsynced(path: &Path, error: &io::Error) -> String {
    format!("{} cannot be synced: {error}", path.display())
}

/// Deletes a file or folder, for good.
fn delete(path: &Path) -> io::Result<()> {
    let deleted = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match deleted {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync_folder(path),
    }
}

/// Syncs the folder that something is in.
fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), folder::sync)
}
