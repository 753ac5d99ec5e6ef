//! Where reading begins, and what it sees.

use super::*;

#[test]
fn reading_begins_where_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let mut opened = open(folder.path());
    let from = |offset: u64| (offset..30).collect::<Vec<u64>>();
    assert_eq!(opened.offsets(Start::First), from(0));
    assert_eq!(opened.offsets(Start::Last), [29]);
    assert_eq!(opened.offsets(Start::Next), [0u64; 0]);
    for offset in 0..=30 {
        assert_eq!(opened.offsets(Start::Offset(offset)), from(offset));
        // of each record the timestamp, and a moment before it
        assert_eq!(opened.offsets(Start::Timestamp(1000 + 10 * offset)), from(offset));
        assert_eq!(opened.offsets(Start::Timestamp(991 + 10 * offset)), from(offset));
    }
    assert_eq!(opened.offsets(Start::Timestamp(0)), from(0));
    assert_eq!(opened.offsets(Start::Timestamp(u64::MAX)), [0u64; 0]);
    let first = files(folder.path()).iter().map(|file| first(file)).nth(2).unwrap();
    let bytes: u64 = opened.stream.bytes();
    while opened.stream.first() < first {
        opened.stream.retain(Some(opened.stream.bytes() - 1), None);
    }
    assert!(opened.stream.bytes() < bytes);
    assert_eq!(opened.offsets(Start::First), from(first));
    assert_eq!(opened.offsets(Start::Offset(1)), from(first));
    assert_eq!(opened.offsets(Start::Timestamp(0)), from(first));
}

#[test]
fn after_a_timestamp_was_found_older_ones_are_read_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut opened = open(folder.path());
    for timestamp_ms in [10, 30, 20, 40, 30] {
        opened.append(timestamp_ms, b"");
    }
    assert_eq!(opened.offsets(Start::Timestamp(25)), [1, 2, 3, 4]);
    assert_eq!(opened.offsets(Start::Timestamp(35)), [3, 4]);
}

#[test]
fn a_reader_waits_at_an_offset_that_is_not_given_yet() {
    let folder = tempfile::tempdir().unwrap();
    let mut opened = open(folder.path());
    let mut ahead = opened.stream.reader(Start::Offset(20));
    let mut next = opened.stream.reader(Start::Next);
    for offset in 0..30 {
        assert_eq!(ahead.read(100, 1000).unwrap(), []);
        assert_eq!(ahead.next_offset(), 20);
        if offset < 20 {
            opened.append(0, b"");
            opened.settle();
        }
    }
    assert_eq!(next.read(100, 1000).unwrap().len(), 20);
    opened.append(7, b"it");
    opened.settle();
    let expected = Entry { offset: 20, timestamp_ms: 7, payload: b"it"[..].into() };
    for reader in [&mut ahead, &mut next] {
        assert_eq!(reader.read(100, 1000).unwrap(), std::slice::from_ref(&expected));
        assert_eq!(reader.read(100, 1000).unwrap(), []);
        assert_eq!(reader.next_offset(), 21);
    }
}

#[test]
fn a_reader_sees_nothing_that_is_not_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let mut opened = open(folder.path());
    opened.append(0, b"on disk");
    opened.settle();
    // a full disk holds up the thread
    let full = AppendFile::open(Path::new("/dev/full"), 0).unwrap();
    opened.scribe.write(&full, Durability::Written, |buffer| buffer.push(0));
    for _ in 0..20 {
        opened.append(0, b"waits");
    }
    assert_eq!((opened.stream.next(), opened.stream.first()), (21, 0));
    assert_eq!(opened.read(Start::First).len(), 1);
    assert_eq!(opened.read(Start::Last), []);
    assert_eq!(opened.stream.reader(Start::Last).next_offset(), 20);
}

#[test]
fn a_reader_whose_segment_is_given_up_goes_on_with_the_first_that_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let mut opened = open(folder.path());
    let mut reader = opened.stream.reader(Start::First);
    assert_eq!(reader.read(2, 1000).unwrap()[1].offset, 1);
    opened.stream.retain(Some(opened.stream.bytes() / 2), None);
    let first = opened.stream.first();
    assert!(first > 2);
    assert_eq!(reader.read(1, 1000).unwrap()[0].offset, first);
    assert_eq!(reader.next_offset(), first + 1);
}

#[test]
fn a_portion_has_one_record_at_least_and_ends_with_that_which_fills_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut opened = open(folder.path());
    for _ in 0..6 {
        opened.append(0, &[0; 10]);
    }
    opened.settle();
    let mut reader = opened.stream.reader(Start::First);
    let mut portion = |records, bytes| reader.read(records, bytes).unwrap().len();
    assert_eq!(portion(0, 100), 0);
    assert_eq!(portion(100, 0), 0);
    assert_eq!(portion(100, 1), 1);
    assert_eq!(portion(100, 11), 2);
    assert_eq!(portion(1, 100), 1);
    assert_eq!(portion(100, 100), 2);
}

#[test]
fn readers_follow_one_who_appends_and_one_who_deletes() {
    let folder = tempfile::tempdir().unwrap();
    let mut opened = open(folder.path());
    let total = 2000;
    std::thread::scope(|threads| {
        for records in [1, 7, 1000] {
            let mut reader = opened.stream.reader(Start::First);
            let mut reached = opened.scribe.watch();
            threads.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                let (mut next, mut read) = (0, 0);
                while next < total {
                    let portion = reader.read(records, 10_000).unwrap();
                    for found in &portion {
                        assert!(found.offset >= next, "in order, with gaps where segments were given up");
                        assert_eq!(*found, entry(found.offset));
                        next = found.offset + 1;
                        read += 1;
                    }
                    if portion.is_empty() {
                        assert_eq!(reader.next_offset().max(next), reader.next_offset());
                        runtime.block_on(reached.changed()).unwrap();
                    }
                }
                assert!(read > 0);
            });
        }
        for offset in 0..total {
            let entry = entry(offset);
            opened.append(entry.timestamp_ms, &entry.payload);
            if offset % 20 == 0 {
                opened.settle();
            }
            if offset % 500 == 499 {
                opened.stream.retain(Some(1000), None);
            }
        }
        opened.settle();
    });
    assert_eq!(opened.stream.next(), total);
}
