//! Goes through the records of a segment, in blocks: memory is bounded by the longest record, not by the
//! segment.

use std::borrow::Borrow;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::{header, record};

/// Bytes that are read at once, unless a record is longer.
const BLOCK: usize = 64 << 10;

/// Goes through the records of a segment.
#[derive(Debug)]
pub(crate) struct Walk<F> {
    file: F,
    // where the next record begins
    at: u64,
    // behind the last record
    end: u64,
    // what is read of the file from `at` on
    buffer: Vec<u8>,
    // what of the buffer is behind us
    passed: usize,
}

/// What stands next in a segment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// A record: where it begins, and what is in it.
    Record { at: u64, payload: &'a [u8] },
    /// Nothing more.
    End,
    /// No record, though there are bytes.
    Broken { at: u64, why: &'static str },
}

impl<F: Borrow<File>> Walk<F> {
    /// Begins behind the header of a file that ends at `end`.
    pub fn new(file: F, end: u64) -> Self {
        Self { file, at: header::LENGTH as u64, end, buffer: Vec::new(), passed: 0 }
    }

    /// The file has grown.
    pub fn extend(&mut self, end: u64) {
        self.end = self.end.max(end);
    }

    /// Goes to the next record. Where one is broken it goes no further.
    pub fn step(&mut self) -> io::Result<Step<'_>> {
        let rest = self.end.saturating_sub(self.at);
        if rest == 0 {
            // whoever waits for more needs no buffer
            (self.buffer, self.passed) = (Vec::new(), 0);
            return Ok(Step::End);
        }
        let Some(&head) = self.have(record::HEAD)?.and_then(<[u8]>::first_chunk) else {
            return Ok(Step::Broken { at: self.at, why: "it ends within a record" });
        };
        let (length, checksum) = record::head(head);
        let whole = record::HEAD.saturating_add(length as usize);
        if self.have(whole)?.is_none() {
            return Ok(Step::Broken { at: self.at, why: "it ends within a record" });
        }
        let payload = &self.buffer[self.passed + record::HEAD..self.passed + whole];
        if record::checksum(length, payload) != checksum {
            return Ok(Step::Broken { at: self.at, why: "a record does not match its checksum" });
        }
        let at = self.at;
        self.at += whole as u64;
        self.passed += whole;
        Ok(Step::Record { at, payload })
    }

    /// The next bytes, if there are so many.
    fn have(&mut self, wanted: usize) -> io::Result<Option<&[u8]>> {
        let rest = self.end.saturating_sub(self.at);
        if rest < wanted as u64 {
            return Ok(None);
        }
        if self.buffer.len() - self.passed < wanted {
            self.buffer.drain(..self.passed);
            self.passed = 0;
            let have = self.buffer.len();
            // the rest is not shorter than what is wanted, and may not fit a usize
            let target = wanted.max(BLOCK.min(usize::try_from(rest).unwrap_or(BLOCK)));
            self.buffer.reserve_exact(target - have);
            self.buffer.resize(target, 0);
            self.buffer.shrink_to(BLOCK);
            let read = self.file.borrow().read_exact_at(&mut self.buffer[have..], self.at + have as u64);
            if let Err(error) = read {
                self.buffer.truncate(have);
                return Err(error);
            }
        }
        Ok(Some(&self.buffer[self.passed..self.passed + wanted]))
    }
}
