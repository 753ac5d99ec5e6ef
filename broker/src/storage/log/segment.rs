//! One segment of the log, for those who read.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::Place;
use crate::storage::segment::walk::{Step, Walk};
use crate::storage::segment::{self, record};

/// One segment. Stays readable after its file was deleted.
#[derive(Debug)]
pub(crate) struct Segment {
    path: PathBuf,
    file: File,
    first: u64,
}

impl Segment {
    pub(super) fn open(folder: &Path, first: u64) -> io::Result<Self> {
        let path = segment::path(folder, first);
        Ok(Self { file: File::open(&path)?, path, first })
    }

    /// The position that it begins with.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// What a record says, once it is written. Blocks. Where something else stands there, that is
    /// [`io::ErrorKind::InvalidData`].
    pub fn read(&self, place: Place) -> io::Result<Bytes> {
        let outside = || self.invalid(place.position, "it lies outside");
        let at = place.position.checked_sub(self.first).ok_or_else(outside)?;
        let mut bytes = vec![0; record::HEAD + place.length as usize];
        self.file.read_exact_at(&mut bytes, at)?;
        let (head, payload) = bytes.split_first_chunk().ok_or_else(outside)?;
        let (length, checksum) = record::head(*head);
        if length != place.length || checksum != record::checksum(length, payload) {
            return Err(self.invalid(place.position, "another record is there than was written"));
        }
        Ok(Bytes::from(bytes).slice(record::HEAD..))
    }

    /// All records of a segment to which nothing is added any more, once all are written. Blocks; reads it in
    /// blocks, and ends after the first error.
    pub fn records(&self) -> io::Result<impl Iterator<Item = io::Result<(Place, Bytes)>>> {
        let mut walk = Some(Walk::new(&self.file, self.file.metadata()?.len()));
        Ok(std::iter::from_fn(move || {
            let next = match walk.as_mut()?.step() {
                Ok(Step::End) => return None,
                Ok(Step::Record { at, payload }) => {
                    // it was written with a length of so many bits
                    let length = payload.len() as u32;
                    let place = Place { position: self.first + at, length };
                    return Some(Ok((place, Bytes::copy_from_slice(payload))));
                }
                Ok(Step::Broken { at, why }) => self.invalid(self.first + at, why),
                Err(error) => error,
            };
            walk = None;
            Some(Err(next))
        }))
    }

    fn invalid(&self, position: u64, why: &str) -> io::Error {
        let text = format!("{} at position {position}: {why}", self.path.display());
        io::Error::new(io::ErrorKind::InvalidData, text)
    }
}
