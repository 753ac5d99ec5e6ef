//! The file from which the registry comes back.
//!
//! A header line, then one line of JSON for each call that changed something. A line is handed to the
//! operating system before the call is answered, so that `kill -9` loses nothing; it reaches the disk
//! with the next [`Journal::sync`], a fraction of a second later, so that a power cut can. A crash in
//! the middle of a line leaves a last line without an end, which the next start drops. A journal that
//! has grown is replaced by a snapshot of the state: written beside it, synced, renamed over it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::OpenError;
use crate::state::{Batch, Record, State};

/// The version of the format, in the header.
const FORMAT: u32 = 1;
/// A journal is not compacted below this size.
const SMALL: u64 = 1 << 20;
/// A journal is compacted when it is this many times as long as its snapshot was.
const GROWTH: u64 = 4;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    format: u32,
    node_id: String,
    index: u64,
}

/// An open journal.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    node_id: String,
    file: File,
    /// The end of the last whole line.
    length: u64,
    /// The length at which to compact.
    full: u64,
    /// Whether a failed write has left the file behind the state: only a snapshot mends that.
    behind: bool,
    /// Held as long as the registry is open.
    _lock: File,
}

impl Journal {
    /// Opens the journal in `folder`, brings `state` to where it was, and starts the file afresh.
    pub(crate) fn open(
        folder: &Path,
        state: &mut State,
        now: tokio::time::Instant,
    ) -> Result<Self, OpenError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| OpenError::Io { path, source }
        };
        std::fs::create_dir_all(folder).map_err(failed(folder))?;
        let lock_path = folder.join("registry.lock");
        let lock = File::create(&lock_path).map_err(failed(&lock_path))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => OpenError::InUse { path: folder.to_owned() },
            TryLockError::Error(source) => OpenError::Io { path: lock_path, source },
        })?;

        let path = folder.join("registry.journal");
        let node_id = match File::open(&path) {
            Ok(file) => replay(&path, file, state)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(OpenError::Io { path, source }),
        };
        state.awake(now);
        let node_id = node_id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        let (file, length) = snapshot(&path, &node_id, state).map_err(failed(&path))?;
        Ok(Self { path, node_id, file, length, full: full(length), behind: false, _lock: lock })
    }

    /// The id of the node, which stays the same for the life of the data folder.
    pub(crate) fn node_id(&self) -> &str {
        &self.node_id
    }

    /// Appends what one call changed. After a failure the file is cut back to its last whole line.
    pub(crate) fn append(&mut self, batch: &Batch) -> io::Result<()> {
        if self.behind {
            return Err(io::Error::other("an earlier write failed"));
        }
        let mut line = serde_json::to_vec(batch)?;
        line.push(b'\n');
        if let Err(error) = self.file.write_all(&line) {
            self.behind = true;
            self.file.set_len(self.length)?;
            return Err(error);
        }
        self.length += line.len() as u64;
        Ok(())
    }

    /// A handle on which what has been appended so far can be synced without the journal.
    pub(crate) fn handle(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Whether a snapshot is due.
    pub(crate) fn wants_snapshot(&self) -> bool {
        self.behind || self.length >= self.full
    }

    /// Replaces the journal by a snapshot.
    pub(crate) fn compact(&mut self, state: &State) -> io::Result<()> {
        let (file, length) = snapshot(&self.path, &self.node_id, state)?;
        self.file = file;
        self.length = length;
        self.full = full(length);
        self.behind = false;
        Ok(())
    }
}

/// When a journal that starts with `length` bytes of snapshot has grown enough.
fn full(length: u64) -> u64 {
    (length * GROWTH).max(SMALL)
}

/// Applies a journal's lines; returns the node id in its header, if it got as far as having one.
fn replay(path: &Path, file: File, state: &mut State) -> Result<Option<String>, OpenError> {
    let mut reader = BufReader::new(file);
    let (mut node_id, mut number, mut line) = (None, 0, Vec::new());
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line);
        read.map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
        if line.is_empty() {
            return Ok(node_id);
        }
        number += 1;
        let whole = line.ends_with(b"\n");
        let damaged = |source| OpenError::Damaged { path: path.to_owned(), line: number, source };
        let parsed = if number == 1 {
            serde_json::from_slice::<Header>(&line).and_then(|header| {
                state.replay(Batch { index: header.index, records: Vec::new() });
                known(header.format)?;
                node_id = Some(header.node_id);
                Ok(())
            })
        } else {
            serde_json::from_slice::<Batch>(&line).map(|batch| state.replay(batch))
        };
        match parsed {
            Ok(()) => {}
            Err(error) if whole => return Err(damaged(error)),
            Err(_) => {
                tracing::warn!(path = %path.display(), "dropped the journal's last line, cut by a crash");
                return Ok(node_id);
            }
        }
    }
}

fn known(format: u32) -> Result<(), serde_json::Error> {
    use serde::de::Error;
    if format == FORMAT { Ok(()) } else { Err(Error::custom(format!("format {format}, not {FORMAT}"))) }
}

/// Writes the whole state to a new journal and puts it in the place of the old one.
fn snapshot(path: &Path, node_id: &str, state: &State) -> io::Result<(File, u64)> {
    let beside = path.with_extension("journal.new");
    let file = OpenOptions::new().create(true).truncate(true).write(true).open(&beside)?;
    let mut writer = BufWriter::new(file);
    let header = Header { format: FORMAT, node_id: node_id.to_owned(), index: state.index() };
    write_line(&mut writer, &header)?;
    for record in state.snapshot() {
        write_line(&mut writer, &Batch { index: modified(&record), records: vec![record] })?;
    }
    let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    // The rename itself is durable once its folder is.
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    let length = file.metadata()?.len();
    Ok((file, length))
}

fn write_line(writer: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *writer, line)?;
    writer.write_all(b"\n")
}

/// When the thing in a snapshot's record was changed last.
fn modified(record: &Record) -> u64 {
    match record {
        Record::Service(service) => service.modified,
        Record::Check(check) => check.modified,
        Record::Entry(entry) => entry.modified,
        Record::Session(session) => session.modified,
        Record::ServiceGone(_) | Record::CheckGone(_) | Record::EntryGone(_) | Record::SessionGone(_) => 0,
    }
}

#[cfg(test)]
mod tests;
