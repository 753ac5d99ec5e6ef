use std::fs::{self, File};

use proptest::prelude::*;

use super::header::Fault;
use super::survey::survey;
use super::walk::{Step, Walk};
use super::*;
use crate::error::OpenError;

const FIRST: Header = Header { first: 7, note: 9 };

fn header(kind: Kind, header: Header) -> Vec<u8> {
    let mut bytes = Vec::new();
    header.write(kind, &mut bytes);
    bytes
}

fn segment(payloads: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = header(Kind::Log, FIRST);
    for payload in payloads {
        record::write(&mut bytes, |buffer| buffer.extend_from_slice(payload));
    }
    bytes
}

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    io::Write::write_all(&mut file, bytes).unwrap();
    file
}

/// All that can be read, and why it ends.
fn walk(bytes: &[u8]) -> (Vec<Vec<u8>>, Option<&'static str>) {
    let (mut walk, mut read) = (Walk::new(file(bytes), bytes.len() as u64), Vec::new());
    loop {
        match walk.step().unwrap() {
            Step::Record { payload, .. } => read.push(payload.to_vec()),
            Step::End => return (read, None),
            Step::Broken { why, .. } => return (read, Some(why)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn records_of_any_length_read_back(lengths in prop::collection::vec(
        prop_oneof![Just(0_usize), 1..300_usize, 60_000..70_000_usize, 130_000..200_000_usize], 0..12,
    )) {
        let payloads: Vec<Vec<u8>> =
            lengths.iter().enumerate().map(|(index, length)| vec![index as u8; *length]).collect();
        prop_assert_eq!(walk(&segment(&payloads)), (payloads, None));
    }

    #[test]
    fn a_segment_that_is_cut_reads_as_far_as_it_goes(
        lengths in prop::collection::vec(0..40_usize, 1..12), cut in any::<prop::sample::Index>(),
    ) {
        let payloads: Vec<Vec<u8>> = lengths.iter().map(|length| vec![1; *length]).collect();
        let bytes = segment(&payloads);
        let cut = header::LENGTH + cut.index(bytes.len() - header::LENGTH);
        let mut end = header::LENGTH;
        let whole = payloads.iter().take_while(|payload| {
            end += record::HEAD + payload.len();
            end <= cut
        });
        prop_assert_eq!(walk(&bytes[..cut]).0, whole.cloned().collect::<Vec<_>>());
    }
}

#[test]
fn zeroes_and_nonsense_are_no_records() {
    let payloads = vec![b"one".to_vec()];
    for (tail, why) in [
        (vec![0; 4096], "a record does not match its checksum"),
        (vec![0; 3], "it ends within a record"),
        (vec![255; 4096], "it ends within a record"),
    ] {
        let bytes = [segment(&payloads), tail].concat();
        assert_eq!(walk(&bytes), (payloads.clone(), Some(why)));
    }
}

#[test]
fn a_walk_goes_on_where_the_file_has_grown() {
    let (short, long) = (segment(&[b"one".to_vec()]), segment(&[b"one".to_vec(), b"two".to_vec()]));
    let mut walk = Walk::new(file(&long), short.len() as u64);
    let at = header::LENGTH as u64;
    assert_eq!(walk.step().unwrap(), Step::Record { at, payload: b"one" });
    assert_eq!(walk.step().unwrap(), Step::End);
    walk.extend(long.len() as u64);
    assert_eq!(walk.step().unwrap(), Step::Record { at: short.len() as u64, payload: b"two" });
    assert_eq!(walk.step().unwrap(), Step::End);
}

#[test]
fn a_file_that_is_shorter_than_it_should_be_cannot_be_read() {
    let bytes = segment(&[b"one".to_vec()]);
    let mut walk = Walk::new(file(&bytes), bytes.len() as u64 + 1);
    assert_eq!(walk.step().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn a_header_reads_back_and_any_other_bytes_do_not() {
    let bytes: [u8; header::LENGTH] = header(Kind::Log, FIRST).try_into().unwrap();
    assert_eq!(Header::read(Kind::Log, &bytes), Ok(FIRST));
    assert!(matches!(Header::read(Kind::Stream, &bytes), Err(Fault::Foreign(_))));
    assert_eq!(Header::read(Kind::Log, &[0; header::LENGTH]), Err(Fault::Torn));
    for byte in 0..header::LENGTH {
        let mut flipped = bytes;
        flipped[byte] ^= 1;
        assert_eq!(Header::read(Kind::Log, &flipped), Err(Fault::Torn), "{byte}");
    }
    let mut newer = bytes.to_vec();
    newer[4] = 2;
    let checksum = crc32fast::hash(&newer[..header::LENGTH - 4]);
    newer[header::LENGTH - 4..].copy_from_slice(&checksum.to_le_bytes());
    let Err(Fault::Foreign(why)) = Header::read(Kind::Log, &newer.try_into().unwrap()) else {
        panic!("read")
    };
    assert_eq!(why, "its version is 2; this broker reads 1");
}

/// A folder with these segments of the log, each without records.
fn folder(firsts: &[u64]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for first in firsts {
        let bytes = header(Kind::Log, Header { first: *first, note: 0 });
        fs::write(path(folder.path(), *first), bytes).unwrap();
    }
    folder
}

fn firsts(folder: &Path) -> Vec<u64> {
    survey(folder, Kind::Log).unwrap().segments.iter().map(|found| found.header.first).collect()
}

#[track_caller]
fn is_damaged(folder: &Path, file: &str, expected: &str) {
    match survey(folder, Kind::Log) {
        Err(OpenError::Damaged { file: found, at: 0, why }) => {
            assert_eq!((found, why.as_str()), (folder.join(file), expected));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn segments_are_found_in_order_and_other_files_are_left_alone() {
    let folder = folder(&[200, 30, 1_000_000_000_000]);
    fs::write(folder.path().join("README"), b"not ours").unwrap();
    assert_eq!(firsts(folder.path()), [30, 200, 1_000_000_000_000]);
    assert!(folder.path().join("README").exists());
}

#[test]
fn all_segments_at_the_end_whose_header_is_torn_are_deleted() {
    let folder = folder(&[10, 20, 30, 40, 50]);
    fs::write(path(folder.path(), 30), b"").unwrap();
    fs::write(path(folder.path(), 40), [0; 5000]).unwrap();
    fs::write(path(folder.path(), 50), &header(Kind::Log, Header { first: 50, note: 0 })[..27]).unwrap();
    assert_eq!(firsts(folder.path()), [10, 20]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn where_none_is_left_numbers_do_not_begin_anew() {
    let folder = folder(&[10, 20]);
    fs::write(path(folder.path(), 10), b"").unwrap();
    fs::write(path(folder.path(), 20), b"").unwrap();
    let survey = survey(folder.path(), Kind::Log).unwrap();
    assert_eq!((survey.segments.len(), survey.first), (0, 10));
}

#[test]
fn a_torn_header_before_a_whole_one_is_damage() {
    let folder = folder(&[10, 20]);
    fs::write(path(folder.path(), 10), b"").unwrap();
    is_damaged(folder.path(), "00000000000000000010.seg", "its header does not match its checksum");
}

/// A header that rotted on disk must not take the records behind it along.
#[test]
fn a_header_that_does_not_hold_before_a_record_that_does_is_damage() {
    let folder = folder(&[]);
    let mut bytes = segment(&[b"acknowledged".to_vec()]);
    bytes[9] ^= 4;
    fs::write(path(folder.path(), 7), bytes).unwrap();
    let why = "its header does not match its checksum, but a record follows";
    is_damaged(folder.path(), "00000000000000000007.seg", why);
}

#[test]
fn a_segment_under_another_name_is_damage() {
    let folder = folder(&[10]);
    fs::rename(path(folder.path(), 10), path(folder.path(), 11)).unwrap();
    is_damaged(folder.path(), "00000000000000000011.seg", "its header says that it begins with 10");
    fs::rename(path(folder.path(), 11), folder.path().join("11.seg")).unwrap();
    is_damaged(folder.path(), "11.seg", "no segment has such a name");
}

#[test]
fn a_segment_of_something_else_is_damage_even_at_the_end() {
    let folder = folder(&[10]);
    fs::write(path(folder.path(), 20), header(Kind::Stream, Header { first: 20, note: 0 })).unwrap();
    is_damaged(folder.path(), "00000000000000000020.seg", "it begins as no Log does");
}
