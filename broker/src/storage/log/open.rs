//! Reads a log back.

use std::path::Path;

use super::table::Table;
use super::{Log, Place};
use crate::error::OpenError;
use crate::storage::folder::{self, Lock};
use crate::storage::scribe::{AppendFile, Scribe};
use crate::storage::segment;
use crate::storage::segment::header::{self, Header, Kind};
use crate::storage::segment::survey::{Found, survey};
use crate::storage::segment::walk::Step;

/// The folder of the segments.
const FOLDER: &str = "log";

impl Log {
    /// Opens the log in a folder, which it makes where there is none, and gives every record to `replay`, in
    /// order. A torn end is cut off (see [`segment`]), and everything else that is not as it was written is
    /// refused, also what `replay` refuses. Whoever has the folder keeps others out until the log is dropped;
    /// the scribe should have ended by then.
    pub fn open(
        folder: &Path,
        segment_bytes: u64,
        scribe: Scribe,
        mut replay: impl FnMut(Place, &[u8]) -> Result<(), String>,
    ) -> Result<Self, OpenError> {
        folder::make(folder)?;
        let lock = Lock::take(folder)?;
        let folder = folder.join(FOLDER);
        folder::make(&folder)?;
        let survey = survey(&folder, Kind::Log)?;
        let mut table = Table::default();
        let mut current = None;
        for (index, found) in survey.segments.iter().enumerate() {
            let (end, torn) = read_back(found, &mut replay)?;
            match survey.segments.get(index + 1) {
                None => {
                    if let Some(why) = torn {
                        found.warn_of_torn_end(end, why);
                    }
                    current = Some(AppendFile::open(&found.path, end).map_err(|e| found.unreadable(e))?);
                }
                Some(next) => follows(found, end, torn, next)?,
            }
            table.push(found.header.first, end);
        }
        let file = match current {
            Some(file) => file,
            None => {
                let header = Header { first: survey.first, note: 0 };
                table.push(header.first, header::LENGTH as u64);
                let begun = segment::begin(&folder, Kind::Log, header, &scribe, None);
                begun.map_err(|error| OpenError::Folder(folder.clone(), error))?
            }
        };
        Ok(Self { folder, segment_bytes, scribe, file, table, _lock: lock })
    }
}

/// Replays a segment: where its last record ends, and what is wrong with what follows.
fn read_back(
    found: &Found,
    replay: &mut impl FnMut(Place, &[u8]) -> Result<(), String>,
) -> Result<(u64, Option<&'static str>), OpenError> {
    let mut walk = found.walk().map_err(|error| found.unreadable(error))?;
    loop {
        match walk.step().map_err(|error| found.unreadable(error))? {
            Step::End => return Ok((found.length, None)),
            Step::Broken { at, why } => return Ok((at, Some(why))),
            Step::Record { at, payload } => {
                // it was written with a length of so many bits
                let place = Place { position: found.header.first + at, length: payload.len() as u32 };
                replay(place, payload).map_err(|why| found.damaged(at, why))?;
            }
        }
    }
}

/// Checks that a segment is whole, and that no other is missing behind it.
fn follows(found: &Found, end: u64, torn: Option<&str>, next: &Found) -> Result<(), OpenError> {
    let (position, begins) = (found.header.first + end, next.header.first);
    match torn {
        Some(why) => Err(found.damaged(end, format!("{why}, though another segment follows"))),
        None if position != begins => {
            Err(found
                .damaged(end, format!("it ends at position {position}, and the next begins at {begins}")))
        }
        None => Ok(()),
    }
}
