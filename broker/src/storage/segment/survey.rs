//! What segments there are in a folder, after a crash, too.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::header::{self, Fault, Header, Kind};
use super::walk::{Step, Walk};
use super::{ENDING, path};
use crate::error::OpenError;
use crate::storage::folder;

/// The segments of a folder.
#[derive(Debug)]
pub(crate) struct Survey {
    /// All whose header holds, in order.
    pub segments: Vec<Found>,
    /// What to begin with where there is none.
    pub first: u64,
}

/// A segment.
#[derive(Debug)]
pub(crate) struct Found {
    pub path: PathBuf,
    /// Bytes of the file.
    pub length: u64,
    pub header: Header,
}

impl Found {
    /// That something in it is not what was written there.
    pub fn damaged(&self, at: u64, why: impl Into<String>) -> OpenError {
        damaged(&self.path, at, why)
    }

    /// That it cannot be read.
    pub fn unreadable(&self, error: io::Error) -> OpenError {
        OpenError::Folder(self.path.clone(), error)
    }

    /// Goes through its records.
    pub fn walk(&self) -> io::Result<Walk<File>> {
        Ok(Walk::new(File::open(&self.path)?, self.length))
    }

    /// Says that its torn end is cut off.
    pub fn warn_of_torn_end(&self, at: u64, why: &str) {
        let (path, bytes) = (self.path.display(), self.length.saturating_sub(at));
        tracing::warn!(%path, at, bytes, "{path} has a torn end of {bytes} bytes, which are cut off: {why}");
    }
}

/// Lists the segments of a folder, and deletes those at the end that a crash has left without a header.
pub(crate) fn survey(folder: &Path, kind: Kind) -> Result<Survey, OpenError> {
    let mut firsts = list(folder)?;
    let first = firsts.first().copied().unwrap_or(0);
    while let Some(last) = firsts.last() {
        let path = path(folder, *last);
        if inspect(&path, kind)?.is_some() {
            break;
        }
        tracing::warn!(path = %path.display(), "{} has no whole header, and is deleted", path.display());
        let deleted = fs::remove_file(&path).and_then(|()| folder::sync(folder));
        deleted.map_err(|error| OpenError::Folder(path, error))?;
        firsts.pop();
    }
    let mut segments = Vec::with_capacity(firsts.len());
    for first in firsts {
        let path = path(folder, first);
        let Some((header, length)) = inspect(&path, kind)? else {
            return Err(damaged(&path, 0, "its header does not match its checksum"));
        };
        if header.first != first {
            return Err(damaged(&path, 0, format!("its header says that it begins with {}", header.first)));
        }
        segments.push(Found { path, length, header });
    }
    Ok(Survey { segments, first })
}

/// The numbers of all segments, in order.
fn list(folder: &Path) -> Result<Vec<u64>, OpenError> {
    let unusable = |error| OpenError::Folder(folder.to_owned(), error);
    let mut firsts = Vec::new();
    for entry in fs::read_dir(folder).map_err(unusable)? {
        let found = entry.map_err(unusable)?.path();
        if found.extension().is_none_or(|ending| ending != ENDING) {
            continue;
        }
        let name = found.file_stem().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
        // there is one way to write a number, so that no two names are the same
        let Some(first) = name.filter(|first| path(folder, *first) == found) else {
            return Err(damaged(&found, 0, "no segment has such a name"));
        };
        firsts.push(first);
    }
    firsts.sort_unstable();
    Ok(firsts)
}

/// A segment's header, and its length; nothing where the header is torn.
fn inspect(path: &Path, kind: Kind) -> Result<Option<(Header, u64)>, OpenError> {
    let unreadable = |error| OpenError::Folder(path.to_owned(), error);
    let file = File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    if length < header::LENGTH as u64 {
        return Ok(None);
    }
    let mut bytes = [0; header::LENGTH];
    file.read_exact_at(&mut bytes, 0).map_err(unreadable)?;
    match Header::read(kind, &bytes) {
        Ok(header) => Ok(Some((header, length))),
        Err(Fault::Foreign(why)) => Err(damaged(path, 0, why)),
        Err(Fault::Torn) => {
            // the two were written together, and stand in one page
            if matches!(Walk::new(&file, length).step().map_err(unreadable)?, Step::Record { .. }) {
                return Err(damaged(path, 0, "its header does not match its checksum, but a record follows"));
            }
            Ok(None)
        }
    }
}

fn damaged(path: &Path, at: u64, why: impl Into<String>) -> OpenError {
    OpenError::Damaged { file: path.to_owned(), at, why: why.into() }
}
