//! What a crash, a power cut or a bad disk leaves behind.

use super::*;

/// A copy, to be spoiled.
fn copy(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in files(folder) {
        fs::copy(&file, copy.path().join(file.file_name().unwrap())).unwrap();
    }
    copy
}

/// Opens a stream that was spoiled: these records are there and no others, more can be appended, and it opens
/// again.
#[track_caller]
fn goes_on_with(folder: &Path, entries: &[Entry], what: &str) {
    let mut entries = entries.to_vec();
    let mut opened = open(folder);
    assert!(opened.read(Start::First) == entries, "{what}: up to {}", opened.stream.next());
    for offset in (entries.len() as u64..).take(8) {
        let entry = entry(offset);
        assert_eq!(opened.append(entry.timestamp_ms, &entry.payload), offset, "{what}");
        entries.push(entry);
    }
    opened.end();
    assert!(open(folder).read(Start::First) == entries, "{what}, opened again");
}

fn change(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(file).unwrap();
    change(&mut bytes);
    fs::write(file, bytes).unwrap();
}

/// How many records a stream has whose last segment holds for so many bytes.
fn count(last: &Path, bytes: u64, entries: &[Entry]) -> usize {
    let (mut count, mut end) = (first(last) as usize, header::LENGTH as u64);
    for entry in &entries[count..] {
        end += (record::HEAD + 16 + entry.payload.len()) as u64;
        if end > bytes {
            break;
        }
        count += 1;
    }
    count
}

#[test]
fn a_stream_whose_last_segment_is_cut_at_any_byte_has_all_records_before_it_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let entries = fill(folder.path());
    let last = files(folder.path()).pop().unwrap();
    assert!(first(&last) < 27, "some are in the last segment");
    for cut in 0..=fs::metadata(&last).unwrap().len() {
        let copy = copy(folder.path());
        change(&files(copy.path()).pop().unwrap(), |bytes| bytes.truncate(cut as usize));
        goes_on_with(copy.path(), &entries[..count(&last, cut, &entries)], &format!("cut at {cut}"));
    }
}

#[test]
fn a_byte_that_flips_in_the_last_segment_costs_no_record_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let entries = fill(folder.path());
    let last = files(folder.path()).pop().unwrap();
    for byte in 0..fs::metadata(&last).unwrap().len() {
        let copy = copy(folder.path());
        let spoiled = files(copy.path()).pop().unwrap();
        change(&spoiled, |bytes| bytes[byte as usize] ^= 0x40);
        if byte < header::LENGTH as u64 {
            let error = try_open(copy.path()).err();
            assert!(matches!(error, Some(OpenError::Damaged { file, at: 0, .. }) if file == spoiled));
        } else {
            goes_on_with(copy.path(), &entries[..count(&last, byte, &entries)], &format!("flipped {byte}"));
        }
    }
}

#[test]
fn garbage_at_the_end_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let entries = fill(folder.path());
    for tail in [vec![0], vec![0; 8], vec![0; 100_000], vec![255; 9]] {
        let copy = copy(folder.path());
        change(&files(copy.path()).pop().unwrap(), |bytes| bytes.extend_from_slice(&tail));
        goes_on_with(copy.path(), &entries, &format!("{} bytes of garbage", tail.len()));
    }
}

/// A power cut may come between the making of a new segment and the sync of the one before.
#[test]
fn a_torn_end_may_be_before_segments_without_a_header() {
    let folder = tempfile::tempdir().unwrap();
    let entries = fill(folder.path());
    change(&files(folder.path()).pop().unwrap(), |bytes| bytes.truncate(bytes.len() - 1));
    fs::write(segment::path(folder.path(), 30), [0; 100]).unwrap();
    fs::write(segment::path(folder.path(), 40), b"").unwrap();
    goes_on_with(folder.path(), &entries[..29], "torn");
}

#[test]
fn a_stream_whose_only_segment_has_no_header_begins_where_its_name_says() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(segment::path(folder.path(), 40), b"").unwrap();
    let opened = open(folder.path());
    assert_eq!((opened.stream.first(), opened.stream.next()), (40, 40));
}

#[test]
fn a_record_out_of_its_place_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let last = files(folder.path()).pop().unwrap();
    change(&last, |bytes| {
        record::write(bytes, |buffer| entry::write(buffer, 99, 0, |_| {}));
    });
    match try_open(folder.path()) {
        Err(OpenError::Damaged { file, at, why }) => {
            assert_eq!((file, at), (last.clone(), fs::metadata(&last).unwrap().len() - 24));
            assert_eq!(why, "the record is not that with offset 30");
        }
        other => panic!("{:?}", other.err()),
    }
}

#[test]
fn damage_in_an_earlier_segment_is_told_to_whoever_reads_it_after_what_stands_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let entries = fill(folder.path());
    let files = files(folder.path());
    change(&files[1], |bytes| *bytes.last_mut().unwrap() ^= 1);
    let bad = first(&files[2]) - 1;
    let opened = open(folder.path());
    let mut reader = opened.stream.reader(Start::First);
    assert_eq!(reader.read(usize::MAX, usize::MAX).unwrap(), entries[..bad as usize]);
    for _ in 0..2 {
        let error = reader.read(usize::MAX, usize::MAX).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(error.to_string().contains(&files[1].display().to_string()), "{error}");
        assert_eq!(reader.next_offset(), bad);
    }
    assert_eq!(opened.read(Start::Offset(bad + 1)), entries[bad as usize + 1..]);
}

#[test]
fn records_that_are_missing_at_the_end_of_an_earlier_segment_are_missed() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let files = files(folder.path());
    let bytes = fs::read(&files[1]).unwrap();
    fs::write(&files[1], &bytes[..header::LENGTH]).unwrap();
    let opened = open(folder.path());
    let mut reader = opened.stream.reader(Start::Offset(first(&files[1])));
    let error = reader.read(1, 1).unwrap_err();
    assert!(error.to_string().ends_with("records are missing"), "{error}");
}

/// What waits when the process dies is lost, and nothing else.
#[test]
fn a_broker_that_dies_while_it_writes_finds_what_was_reached() {
    let folder = tempfile::tempdir().unwrap();
    let mut opened = open(folder.path());
    let mut tickets = Vec::new();
    for offset in 0..500 {
        let entry = entry(offset);
        let (_, ticket) = opened
            .stream
            .append(entry.timestamp_ms, |buffer| buffer.extend_from_slice(&entry.payload))
            .unwrap();
        tickets.push(ticket);
    }
    opened.scribe.abandon();
    let reached = opened.scribe.reached();
    let confirmed = tickets.iter().filter(|ticket| **ticket <= reached).count();
    assert_eq!(opened.read(Start::First).len(), confirmed, "readers see what is on disk");
    drop(opened);
    let found = open(folder.path()).read(Start::First);
    assert!(found.len() >= confirmed);
    goes_on_with(
        folder.path(),
        &(0..found.len() as u64).map(entry).collect::<Vec<_>>(),
        "after it was killed",
    );
}
