//! What is held, and what is deleted.

use super::*;

/// A log with a record in each of so many segments, and nothing in the current one.
fn segments(folder: &Path, count: u8) -> (Opened, Vec<Place>) {
    let mut opened = open(folder);
    let mut places = Vec::new();
    for index in 0..count {
        let place = opened.append(&[index; 10]);
        opened.log.hold(place);
        places.push(place);
        opened.log.begin_segment().unwrap();
    }
    (opened, places)
}

#[test]
fn segments_are_deleted_strictly_from_the_oldest_on_and_never_the_current_one() {
    let folder = tempfile::tempdir().unwrap();
    let (mut opened, places) = segments(folder.path(), 4);
    let bytes = opened.log.bytes();
    assert_eq!(opened.log.live_bytes(), 4 * 18);
    opened.log.release(places[1]);
    opened.log.release(places[2]);
    assert_eq!(opened.log.remove_dead(), 0, "the oldest is needed");
    opened.log.hold(places[0]);
    opened.log.release(places[0]);
    assert_eq!(opened.log.remove_dead(), 0, "it was held twice");
    opened.log.release(places[0]);
    assert_eq!(opened.log.remove_dead(), 3);
    assert_eq!(opened.log.live_bytes(), 18);
    assert!(opened.log.bytes() < bytes);
    opened.log.release(places[3]);
    assert_eq!(opened.log.remove_dead(), 1);
    assert_eq!(opened.log.remove_dead(), 0, "what is left is the current one");
    assert!(opened.log.oldest().unwrap().is_none());
    assert_eq!(opened.log.at(places[3]).unwrap_err().kind(), io::ErrorKind::NotFound);
    // of what is gone, nothing is counted any more
    opened.log.release(places[3]);
    opened.log.hold(places[0]);
    assert_eq!(opened.log.live_bytes(), 0);
    let more = (opened.append(b"more"), b"more".to_vec());
    opened.end();
    assert_eq!(files(folder.path()).len(), 1);
    assert_eq!(open(folder.path()).replayed, [more]);
}

#[test]
fn a_segment_stays_readable_for_whoever_has_it_also_when_its_file_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let (mut opened, places) = segments(folder.path(), 2);
    opened.settle();
    let segment = opened.log.at(places[0]).unwrap();
    assert!(Arc::ptr_eq(&segment, &opened.log.oldest().unwrap().unwrap()));
    let file = files(folder.path())[0].clone();
    opened.log.release(places[0]);
    assert_eq!(opened.log.remove_dead(), 1);
    opened.end();
    assert!(!file.exists());
    assert_eq!(segment.read(places[0]).unwrap(), &[0; 10][..]);
    assert_eq!(segment.records().unwrap().count(), 1);
}

#[test]
fn what_keeps_the_oldest_segment_alive_is_copied_and_then_it_is_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let records = fill(folder.path());
    let mut opened = open(folder.path());
    let oldest = opened.log.oldest().unwrap().unwrap();
    let read: Vec<(Place, bytes::Bytes)> = oldest.records().unwrap().map(Result::unwrap).collect();
    let begins = first(&files(folder.path())[1]);
    let expected: Vec<_> = records.iter().filter(|(place, _)| place.position < begins).collect();
    assert_eq!(read.len(), expected.len());
    assert!(read.iter().zip(&expected).all(|(read, kept)| read.0 == kept.0 && read.1 == kept.1));
    let (place, payload) = &read[1];
    opened.log.hold(*place);
    assert_eq!(opened.log.remove_dead(), 0);
    let copied = opened.append(payload);
    opened.log.hold(copied);
    opened.log.release(*place);
    assert!(opened.log.remove_dead() > 1);
    opened.end();
    assert_eq!(open(folder.path()).replayed.last().unwrap(), &(copied, payload.to_vec()));
}

/// A copy that asks for no sync must be on disk all the same before the original goes.
#[test]
fn a_broker_that_dies_before_a_copy_is_written_still_has_the_original() {
    let folder = tempfile::tempdir().unwrap();
    let (mut opened, places) = segments(folder.path(), 1);
    opened.settle();
    // a full disk holds up the thread
    let full = AppendFile::open(Path::new("/dev/full"), 0).unwrap();
    opened.scribe.write(&full, Durability::Written, |buffer| buffer.push(0));
    let copied = opened.append(&[0; 10]);
    opened.log.hold(copied);
    opened.log.release(places[0]);
    assert_eq!(opened.log.remove_dead(), 1);
    opened.scribe.abandon();
    drop(opened);
    assert_eq!(open(folder.path()).replayed, [(places[0], vec![0; 10])]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_long_log_needs_few_open_files() {
    let folder = tempfile::tempdir().unwrap();
    let (mut opened, places) = segments(folder.path(), 60);
    // what is written is let go a moment after it is reached
    opened.scribe.finish();
    for (index, place) in places.iter().enumerate() {
        assert_eq!(opened.log.at(*place).unwrap().read(*place).unwrap(), &[index as u8; 10][..]);
    }
    let inside = |entry: &fs::DirEntry| {
        fs::read_link(entry.path()).is_ok_and(|file| file.starts_with(folder.path().join("log")))
    };
    let open = fs::read_dir("/proc/self/fd").unwrap().filter(|entry| inside(entry.as_ref().unwrap())).count();
    assert!((2..=20).contains(&open), "{open}");
}
