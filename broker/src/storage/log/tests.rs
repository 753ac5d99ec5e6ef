mod crash;
mod deletion;

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::error::OpenError;

/// Few, for many segments.
const SEGMENT_BYTES: u64 = 120;

type Records = Vec<(Place, Vec<u8>)>;

/// A log that has a scribe of its own.
struct Opened {
    log: Log,
    scribe: Scribe,
    /// What was replayed.
    replayed: Records,
}

impl Opened {
    fn append(&mut self, payload: &[u8]) -> Place {
        self.log.append(Durability::Written, |buffer| buffer.extend_from_slice(payload)).0
    }

    /// Waits until everything is on disk.
    fn settle(&self) {
        let given = self.scribe.write(&self.log.file, Durability::Synced, |_| {}).1;
        let mut reached = self.scribe.watch();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(reached.wait_for(|reached| *reached >= given)).unwrap();
    }

    fn end(self) {
        self.scribe.finish();
    }
}

fn try_open(folder: &Path) -> Result<Opened, OpenError> {
    let scribe = Scribe::start().unwrap();
    let mut replayed = Vec::new();
    let log = Log::open(folder, SEGMENT_BYTES, scribe.clone(), |place, payload| {
        replayed.push((place, payload.to_vec()));
        Ok(())
    })?;
    Ok(Opened { log, scribe, replayed })
}

fn open(folder: &Path) -> Opened {
    try_open(folder).unwrap()
}

/// Writes records of many lengths into a new log of several segments.
fn fill(folder: &Path) -> Records {
    let mut opened = open(folder);
    let mut records = Vec::new();
    for index in 0..36_u8 {
        if opened.log.is_full(0) {
            opened.log.begin_segment().unwrap();
        }
        let payload = vec![index; usize::from(index) * 7 % 31];
        records.push((opened.append(&payload), payload));
    }
    assert_eq!(opened.log.append(Durability::Synced, |_| {}).0.length, 0);
    records.push((Place { position: opened.log.table.end() - 8, length: 0 }, Vec::new()));
    opened.end();
    records
}

/// The files of the segments, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder.join("log")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The position that a segment begins with.
fn first(file: &Path) -> u64 {
    file.file_stem().unwrap().to_str().unwrap().parse().unwrap()
}

#[test]
fn records_read_back_in_order_after_a_restart_over_several_segments() {
    let folder = tempfile::tempdir().unwrap();
    let records = fill(folder.path());
    assert!(files(folder.path()).len() >= 4);
    let mut opened = open(folder.path());
    assert_eq!(opened.replayed, records);
    let sizes: u64 = files(folder.path()).iter().map(|file| fs::metadata(file).unwrap().len()).sum();
    assert_eq!(opened.log.bytes(), sizes);
    for (place, payload) in &records {
        assert_eq!(opened.log.at(*place).unwrap().read(*place).unwrap(), payload);
    }
    let more = (opened.append(b"more"), b"more".to_vec());
    assert!(more.0.position > records.last().unwrap().0.position);
    opened.end();
    assert_eq!(open(folder.path()).replayed, [records, vec![more]].concat());
}

#[test]
fn an_empty_log_opens_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let nested = folder.path().join("made/for/it");
    for _ in 0..3 {
        let opened = open(&nested);
        assert_eq!(opened.replayed, []);
        assert!(opened.log.bytes() < 100);
        opened.end();
    }
    assert_eq!(files(&nested).len(), 1);
}

#[test]
fn a_log_without_a_record_in_its_last_segments_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut opened = open(folder.path());
    let one = opened.append(b"one");
    opened.log.begin_segment().unwrap();
    opened.log.begin_segment().unwrap();
    opened.end();
    let mut opened = open(folder.path());
    let two = opened.append(b"two");
    opened.end();
    assert_eq!(open(folder.path()).replayed, [(one, b"one".to_vec()), (two, b"two".to_vec())]);
}

#[test]
fn two_brokers_do_not_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let opened = open(folder.path());
    match try_open(folder.path()) {
        Err(OpenError::InUse(used)) => assert_eq!(used, folder.path()),
        other => panic!("{:?}", other.err()),
    }
    opened.end();
    open(folder.path());
}

#[test]
fn a_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    match try_open(&file.join("log")) {
        Err(OpenError::Folder(named, _)) => assert!(named.starts_with(&file)),
        other => panic!("{:?}", other.err()),
    }
}

#[test]
fn what_its_owner_cannot_read_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let records = fill(folder.path());
    let scribe = Scribe::start().unwrap();
    let refuse = |place: Place, _: &[u8]| {
        if place == records[1].0 { Err("nobody wrote this".to_owned()) } else { Ok(()) }
    };
    match Log::open(folder.path(), SEGMENT_BYTES, scribe, refuse) {
        Err(OpenError::Damaged { file, at, why }) => {
            assert_eq!((file, at), (files(folder.path())[0].clone(), records[1].0.position));
            assert_eq!(why, "nobody wrote this");
        }
        other => panic!("{:?}", other.err()),
    }
}

#[test]
fn reading_what_is_not_there_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let records = fill(folder.path());
    let mut opened = open(folder.path());
    let (place, _) = records[2];
    let segment = opened.log.at(place).unwrap();
    let kind = |place: Place| segment.read(place).unwrap_err().kind();
    assert_eq!(kind(Place { position: place.position + 1, ..place }), io::ErrorKind::InvalidData);
    assert_eq!(kind(Place { length: place.length - 1, ..place }), io::ErrorKind::InvalidData);
    assert_eq!(kind(Place { length: 1 << 20, ..place }), io::ErrorKind::UnexpectedEof);
    let after = Place { position: opened.log.table.end(), length: 0 };
    assert_eq!(opened.log.at(after).unwrap_err().kind(), io::ErrorKind::NotFound);
    let at = opened.log.at(records.last().unwrap().0).unwrap();
    assert_eq!(at.read(records[0].0).unwrap_err().kind(), io::ErrorKind::InvalidData);
}

#[test]
fn a_byte_that_rots_while_the_broker_runs_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let mut opened = open(folder.path());
    let (good, bad) = (opened.append(b"good"), opened.append(b"bad"));
    opened.log.begin_segment().unwrap();
    opened.settle();
    let file = &files(folder.path())[0];
    let mut bytes = fs::read(file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(file, bytes).unwrap();
    let segment = opened.log.oldest().unwrap().unwrap();
    assert_eq!(segment.read(good).unwrap(), &b"good"[..]);
    let error = segment.read(bad).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert!(error.to_string().contains(&format!("00.seg at position {}: ", bad.position)), "{error}");
    let read: Vec<_> = segment.records().unwrap().collect();
    assert_eq!(read[0].as_ref().unwrap().0, good);
    assert_eq!(read[1].as_ref().unwrap_err().kind(), io::ErrorKind::InvalidData);
    assert_eq!(read.len(), 2, "it ends after the first error");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_is_appended_is_replayed(sizes in prop::collection::vec(
        prop_oneof![Just(0_usize), 0..100_usize, 0..20_000_usize, 60_000..150_000_usize], 0..40,
    ), restart in any::<prop::sample::Index>()) {
        let folder = tempfile::tempdir().unwrap();
        let restart = restart.index(sizes.len() + 1);
        let mut opened = open(folder.path());
        let mut records = Vec::new();
        for (index, size) in sizes.iter().enumerate() {
            if index == restart {
                opened.end();
                opened = open(folder.path());
                prop_assert_eq!(&opened.replayed, &records);
            }
            if opened.log.is_full(0) && size % 2 == 0 {
                opened.log.begin_segment().unwrap();
            }
            let payload = vec![index as u8; *size];
            records.push((opened.append(&payload), payload));
        }
        opened.end();
        prop_assert_eq!(&open(folder.path()).replayed, &records);
    }
}
