mod crash;
mod reading;

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::error::OpenError;

/// Few, for many segments.
const SEGMENT_BYTES: u64 = 150;

/// A stream that has a scribe of its own.
struct Opened {
    stream: StreamLog,
    scribe: Scribe,
}

impl Opened {
    fn append(&mut self, timestamp_ms: u64, payload: &[u8]) -> u64 {
        self.stream.append(timestamp_ms, |buffer| buffer.extend_from_slice(payload)).unwrap().0
    }

    /// Waits until everything is on disk.
    fn settle(&self) {
        let given = self.scribe.given();
        let mut reached = self.scribe.watch();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(reached.wait_for(|reached| *reached >= given)).unwrap();
    }

    fn end(self) {
        self.scribe.finish();
    }

    /// Everything from here on that is on disk.
    fn read(&self, from: Start) -> Vec<Entry> {
        self.stream.reader(from).read(usize::MAX, usize::MAX).unwrap()
    }

    fn offsets(&self, from: Start) -> Vec<u64> {
        self.settle();
        self.read(from).iter().map(|entry| entry.offset).collect()
    }
}

fn try_open(folder: &Path) -> Result<Opened, OpenError> {
    let scribe = Scribe::start().unwrap();
    let stream = StreamLog::open(folder, SEGMENT_BYTES, scribe.clone())?;
    Ok(Opened { stream, scribe })
}

fn open(folder: &Path) -> Opened {
    try_open(folder).unwrap()
}

fn entry(offset: u64) -> Entry {
    let payload = vec![offset as u8; offset as usize * 7 % 31];
    Entry { offset, timestamp_ms: 1000 + 10 * offset, payload: payload.into() }
}

/// Writes records of many lengths into a new stream of several segments.
fn fill(folder: &Path) -> Vec<Entry> {
    let mut opened = open(folder);
    let entries: Vec<Entry> = (0..30).map(entry).collect();
    for entry in &entries {
        assert_eq!(opened.append(entry.timestamp_ms, &entry.payload), entry.offset);
    }
    opened.end();
    entries
}

/// The files of the segments, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The offset that a segment begins with.
fn first(file: &Path) -> u64 {
    file.file_stem().unwrap().to_str().unwrap().parse().unwrap()
}

fn disk_bytes(folder: &Path) -> u64 {
    files(folder).iter().map(|file| fs::metadata(file).unwrap().len()).sum()
}

#[test]
fn records_read_back_after_a_restart_over_several_segments() {
    let folder = tempfile::tempdir().unwrap();
    let mut entries = fill(folder.path());
    assert!(files(folder.path()).len() >= 4);
    let mut opened = open(folder.path());
    assert_eq!((opened.stream.first(), opened.stream.next()), (0, 30));
    assert_eq!(opened.stream.bytes(), disk_bytes(folder.path()));
    assert_eq!(opened.read(Start::First), entries);
    for offset in 30..40 {
        let entry = entry(offset);
        assert_eq!(opened.append(entry.timestamp_ms, &entry.payload), offset);
        entries.push(entry);
    }
    opened.settle();
    assert_eq!(opened.stream.bytes(), disk_bytes(folder.path()));
    assert_eq!(opened.read(Start::First), entries);
    opened.end();
    assert_eq!(open(folder.path()).read(Start::First), entries);
}

#[test]
fn an_empty_stream_opens_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        let opened = open(folder.path());
        assert_eq!((opened.stream.first(), opened.stream.next()), (0, 0));
        for from in [Start::First, Start::Last, Start::Next, Start::Offset(0), Start::Timestamp(0)] {
            assert_eq!(opened.read(from), []);
        }
        opened.end();
    }
}

#[test]
fn retention_deletes_whole_segments_from_the_oldest_on_until_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let mut opened = open(folder.path());
    assert_eq!(opened.stream.retain(None, None), 0);
    assert_eq!(opened.stream.retain(Some(opened.stream.bytes()), None), 0);
    let before = files(folder.path());
    assert_eq!(opened.stream.retain(Some(opened.stream.bytes() - 1), None), 1);
    assert_eq!(opened.stream.first(), first(&before[1]));
    assert_eq!(opened.stream.retain(Some(0), None), before.len() - 2, "the current one stays");
    assert_eq!((opened.stream.first(), opened.stream.next()), (first(before.last().unwrap()), 30));
    let bytes = opened.stream.bytes();
    opened.end();
    assert_eq!(files(folder.path()), before[before.len() - 1..]);
    assert_eq!(disk_bytes(folder.path()), bytes);
    assert_eq!(open(folder.path()).stream.next(), 30);
}

#[test]
fn retention_by_age_goes_by_the_newest_record_of_a_segment_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let entries = fill(folder.path());
    let segments = files(folder.path());
    let newest_of_oldest = entries[first(&segments[1]) as usize - 1].timestamp_ms;
    let mut opened = open(folder.path());
    assert_eq!(opened.stream.retain(None, Some(newest_of_oldest)), 0);
    assert_eq!(opened.stream.retain(None, Some(newest_of_oldest + 1)), 1);
    assert_eq!(opened.stream.first(), first(&segments[1]));
    assert_eq!(opened.stream.retain(None, Some(u64::MAX)), segments.len() - 2, "the current one stays");
}

#[test]
fn a_clock_that_is_set_back_makes_no_record_older_than_those_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut opened = open(folder.path());
    for timestamp_ms in [5000, 100, 100, 100] {
        opened.append(timestamp_ms, &[0; 200]);
    }
    assert_eq!(opened.stream.retain(None, Some(5000)), 0);
    opened.end();
    assert_eq!(open(folder.path()).stream.retain(None, Some(5000)), 0);
}

#[test]
fn a_stream_that_is_deleted_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (stream, other) = (folder.path().join("1"), folder.path().join("2"));
    fill(&other);
    fill(&stream);
    let opened = open(&stream);
    let mut reader = opened.stream.reader(Start::First);
    assert_eq!(reader.read(1, 1000).unwrap().len(), 1);
    opened.stream.delete();
    assert_eq!(reader.read(1, 1000).unwrap(), []);
    opened.scribe.finish();
    assert!(!stream.exists() && other.exists());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_is_appended_is_read_in_portions_of_any_size(
        sizes in prop::collection::vec(
            prop_oneof![Just(0_usize), 0..100_usize, 0..20_000_usize, 60_000..150_000_usize], 0..40,
        ),
        records in 1..10_usize,
        bytes in prop_oneof![Just(1_usize), 1..100_000_usize],
        from in any::<prop::sample::Index>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut opened = open(folder.path());
        for (index, size) in sizes.iter().enumerate() {
            opened.append(index as u64, &vec![index as u8; *size]);
        }
        opened.settle();
        let from = from.index(sizes.len() + 1);
        let mut reader = opened.stream.reader(Start::Offset(from as u64));
        let mut read = Vec::new();
        loop {
            let portion = reader.read(records, bytes).unwrap();
            let before_last: usize = portion.iter().rev().skip(1).map(|entry| entry.payload.len()).sum();
            prop_assert!(portion.len() <= records && (before_last < bytes));
            if portion.is_empty() {
                break;
            }
            read.extend(portion);
            prop_assert_eq!(reader.next_offset() as usize, from + read.len());
        }
        let expected = sizes.iter().enumerate().skip(from).map(|(index, size)| Entry {
            offset: index as u64,
            timestamp_ms: index as u64,
            payload: vec![index as u8; *size].into(),
        });
        prop_assert_eq!(read, expected.collect::<Vec<_>>());
    }
}
