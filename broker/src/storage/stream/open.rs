//! Opens a stream's folder.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use super::kept::{Kept, Piece, Shared};
use super::{StreamLog, entry};
use crate::error::OpenError;
use crate::storage::folder;
use crate::storage::scribe::{AppendFile, Scribe};
use crate::storage::segment;
use crate::storage::segment::header::{self, Header, Kind};
use crate::storage::segment::survey::{Found, survey};
use crate::storage::segment::walk::Step;

impl StreamLog {
    /// Opens the stream in a folder of its own, which it makes where there is none. The last segment is read,
    /// and its torn end cut off (see [`segment`]); of the older ones only the headers are.
    pub fn open(folder: &Path, segment_bytes: u64, scribe: Scribe) -> Result<Self, OpenError> {
        folder::make(folder)?;
        let survey = survey(folder, Kind::Stream)?;
        let mut pieces = VecDeque::with_capacity(survey.segments.len() + 1);
        for (found, next) in survey.segments.iter().zip(survey.segments.iter().skip(1)) {
            // what comes before the next segment is what is in this one, and before it
            pieces.push_back(piece(found.header, found.length, next.header.note));
        }
        let (file, next) = match survey.segments.last() {
            Some(last) => {
                let end = read_back(last)?;
                if let Some(why) = end.torn {
                    last.warn_of_torn_end(end.at, why);
                }
                pieces.push_back(piece(last.header, end.at, end.newest));
                (AppendFile::open(&last.path, end.at).map_err(|error| last.unreadable(error))?, end.next)
            }
            None => {
                let header = Header { first: survey.first, note: 0 };
                pieces.push_back(piece(header, header::LENGTH as u64, header.note));
                let begun = segment::begin(folder, Kind::Stream, header, &scribe, None);
                (begun.map_err(|error| OpenError::Folder(folder.to_owned(), error))?, header.first)
            }
        };
        let shared = Arc::new(Shared::new(Kept::new(pieces, next), scribe.watch()));
        Ok(Self { folder: folder.to_owned(), segment_bytes, scribe, file, shared })
    }
}

fn piece(header: Header, length: u64, newest: u64) -> Piece {
    Piece { first: header.first, length, newest }
}

/// What the last segment ends with.
struct End {
    /// Where its last record ends.
    at: u64,
    /// The offset that comes next.
    next: u64,
    /// The newest timestamp so far.
    newest: u64,
    /// What is wrong with what follows.
    torn: Option<&'static str>,
}

fn read_back(found: &Found) -> Result<End, OpenError> {
    let mut walk = found.walk().map_err(|error| found.unreadable(error))?;
    let (mut next, mut newest) = (found.header.first, found.header.note);
    loop {
        match walk.step().map_err(|error| found.unreadable(error))? {
            Step::End => return Ok(End { at: found.length, next, newest, torn: None }),
            Step::Broken { at, why } => return Ok(End { at, next, newest, torn: Some(why) }),
            Step::Record { at, payload } => match entry::read(payload) {
                Some((offset, timestamp_ms, _)) if offset == next => {
                    next += 1;
                    newest = newest.max(timestamp_ms);
                }
                _ => return Err(found.damaged(at, format!("the record is not that with offset {next}"))),
            },
        }
    }
}
