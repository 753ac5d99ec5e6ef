//! A file that only ever grows at its end.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A file that only ever grows at its end.
#[derive(Debug)]
pub struct AppendFile {
    path: PathBuf,
    file: File,
    // its length once everything that waits is written
    end: AtomicU64,
}

impl AppendFile {
    /// Opens a file, or makes it, and cuts it off at `length` bytes; what it holds is on disk afterwards. The
    /// folder is synced by whoever calls.
    pub fn open(path: &Path, length: u64) -> io::Result<Arc<Self>> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let found = file.metadata()?.len();
        if found != length {
            file.set_len(length)?;
        }
        if (found, length) != (0, 0) {
            file.sync_all()?;
        }
        Ok(Arc::new(Self { path: path.to_owned(), file, end: AtomicU64::new(length) }))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its length once everything that waits is written.
    pub fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    /// As many bytes more wait to be written.
    pub(super) fn grow(&self, bytes: u64) {
        self.end.fetch_add(bytes, Ordering::AcqRel);
    }

    pub(super) fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}
