//! Segments: files of records, of which a new one is begun when the last has grown long enough.
//!
//! - [`header`]: what a segment begins with
//! - [`record`]: how a record is framed
//! - [`walk`]: goes through the records of a segment
//! - [`survey`]: what segments there are in a folder
//!
//! A segment's name is the number of its first record (what numbers mean is for its owner to say), so that
//! names sort as they were written.
//!
//! **What a crash leaves behind.** A file grows at its end, so a process that dies leaves one that is cut off
//! somewhere. A power cut may leave worse: the system writes pages in any order, so that a page is missing and
//! a later one is there. Either is a *torn end*: from the first record that does not hold, nothing counts, and
//! nothing that was synced is lost with it. A torn end can be in the last segment alone, since nothing is
//! written into a new segment, its header neither, before the old one is synced ([`Scribe::begin`]). A segment
//! whose own header is torn was never synced, so it holds nothing that counts: it is deleted, and the one
//! before it is the last. Hence the rule, of which everything else is damage: segments at the end whose header
//! is torn go; then the last may have a torn end, which is cut off; all others are whole.

pub(crate) mod header;
pub(crate) mod record;
pub(crate) mod survey;
pub(crate) mod walk;

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::scribe::{AppendFile, Scribe};
use header::{Header, Kind};

/// How the names of segments end.
const ENDING: &str = "seg";

/// Where the segment is that begins with `first`.
pub(crate) fn path(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:020}.{ENDING}"))
}

/// Begins a segment that follows another, if there is one. Waits for nothing.
pub(crate) fn begin(
    folder: &Path,
    kind: Kind,
    header: Header,
    scribe: &Scribe,
    after: Option<&Arc<AppendFile>>,
) -> io::Result<Arc<AppendFile>> {
    let file = AppendFile::open(&path(folder, header.first), 0)?;
    scribe.begin(&file, after, |buffer| header.write(kind, buffer));
    Ok(file)
}
