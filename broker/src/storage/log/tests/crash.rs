//! What a crash, a power cut or a bad disk leaves behind.

use super::*;

/// A copy, to be spoiled.
fn copy(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    fs::create_dir(copy.path().join("log")).unwrap();
    for file in files(folder) {
        fs::copy(&file, copy.path().join("log").join(file.file_name().unwrap())).unwrap();
    }
    copy
}

/// Opens a log that was spoiled: these records are there and no others, more can be appended, and it opens
/// again.
#[track_caller]
fn goes_on_with(folder: &Path, records: &[(Place, Vec<u8>)], what: &str) {
    let mut opened = open(folder);
    assert!(opened.replayed == records, "{what}: {} records", opened.replayed.len());
    let more = (opened.append(b"more"), b"more".to_vec());
    let segment = opened.log.begin_segment();
    assert!(segment.is_ok(), "{what}");
    let still_more = (opened.append(b"still more"), b"still more".to_vec());
    opened.end();
    let records = [records, &[more, still_more]].concat();
    assert!(open(folder).replayed == records, "{what}, opened again");
}

#[track_caller]
fn is_damaged(folder: &Path, expected_file: &Path, expected_at: u64) -> String {
    let before: Vec<_> = files(folder).iter().map(|file| fs::read(file).unwrap()).collect();
    let why = match try_open(folder) {
        Err(OpenError::Damaged { file, at, why }) => {
            assert_eq!((file.file_name(), at), (expected_file.file_name(), expected_at));
            why
        }
        Err(other) => panic!("{other}"),
        Ok(opened) => panic!("opened, with {} records", opened.replayed.len()),
    };
    let after: Vec<_> = files(folder).iter().map(|file| fs::read(file).unwrap()).collect();
    assert!(before == after, "what is refused is not touched");
    why
}

fn change(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(file).unwrap();
    change(&mut bytes);
    fs::write(file, bytes).unwrap();
}

/// The records that end at or before a position.
fn before(records: &Records, position: u64) -> Records {
    records.iter().filter(|(place, _)| place.position + place.size() <= position).cloned().collect()
}

#[test]
fn a_log_whose_last_segment_is_cut_at_any_byte_has_all_records_before_it_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let records = fill(folder.path());
    let last = files(folder.path()).pop().unwrap();
    let length = fs::metadata(&last).unwrap().len();
    assert!(before(&records, first(&last)).len() + 3 < records.len(), "some are in the last segment");
    for cut in 0..=length {
        let copy = copy(folder.path());
        change(&files(copy.path()).pop().unwrap(), |bytes| bytes.truncate(cut as usize));
        goes_on_with(copy.path(), &before(&records, first(&last) + cut), &format!("cut at {cut}"));
    }
}

#[test]
fn a_byte_that_flips_in_the_last_segment_costs_no_record_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let records = fill(folder.path());
    let last = files(folder.path()).pop().unwrap();
    for byte in 0..fs::metadata(&last).unwrap().len() {
        let copy = copy(folder.path());
        let spoiled = files(copy.path()).pop().unwrap();
        change(&spoiled, |bytes| bytes[byte as usize] ^= 0x40);
        if byte < header::LENGTH as u64 {
            is_damaged(copy.path(), &spoiled, 0);
        } else {
            goes_on_with(copy.path(), &before(&records, first(&last) + byte), &format!("flipped {byte}"));
        }
    }
}

#[test]
fn garbage_at_the_end_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let records = fill(folder.path());
    let garbage: Vec<u8> = (0..5000_u32).map(|byte| ((byte * 7919) >> 5) as u8).collect();
    for tail in [vec![0], vec![0; 8], vec![0; 100_000], vec![255; 9], garbage] {
        let copy = copy(folder.path());
        change(&files(copy.path()).pop().unwrap(), |bytes| bytes.extend_from_slice(&tail));
        goes_on_with(copy.path(), &records, &format!("{} bytes of garbage", tail.len()));
    }
}

/// What was not cut off would be found by the next start, behind the new records.
#[test]
fn what_stood_behind_a_torn_record_does_not_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut opened = open(folder.path());
    let one = (opened.append(b"one"), b"one".to_vec());
    let torn = opened.append(b"torn");
    opened.append(b"whole, but behind it");
    opened.end();
    change(&files(folder.path())[0], |bytes| bytes[torn.position as usize + 8] ^= 1);
    let mut opened = open(folder.path());
    assert_eq!(opened.replayed, std::slice::from_ref(&one));
    let new = (opened.append(b"anew"), b"anew".to_vec());
    assert_eq!(new.0, torn);
    opened.end();
    assert_eq!(open(folder.path()).replayed, [one, new]);
}

/// A power cut may come between the making of a new segment and the sync of the one before.
#[test]
fn a_torn_end_may_be_before_segments_without_a_header() {
    let folder = tempfile::tempdir().unwrap();
    let records = fill(folder.path());
    let last = files(folder.path()).pop().unwrap();
    let end = first(&last) + fs::metadata(&last).unwrap().len();
    for (cut, made) in [(0, vec![vec![]]), (1, vec![vec![0; 4096]]), (9, vec![vec![], vec![0; 10]])] {
        let copy = copy(folder.path());
        change(&files(copy.path()).pop().unwrap(), |bytes| bytes.truncate(bytes.len() - cut));
        for (index, bytes) in made.into_iter().enumerate() {
            let path = segments::path(&copy.path().join("log"), end + 100 * index as u64);
            fs::write(path, bytes).unwrap();
        }
        goes_on_with(copy.path(), &before(&records, end - cut as u64), &format!("{cut} bytes cut"));
    }
}

#[test]
fn damage_in_an_earlier_segment_is_refused_with_its_file_and_place() {
    let folder = tempfile::tempdir().unwrap();
    let records = fill(folder.path());
    let file = files(folder.path())[1].clone();
    let within = |place: &Place, byte: u64| {
        (place.position..place.position + place.size()).contains(&(first(&file) + byte))
    };
    for byte in 0..fs::metadata(&file).unwrap().len() {
        let copy = copy(folder.path());
        change(&files(copy.path())[1], |bytes| bytes[byte as usize] ^= 0x10);
        let record = records.iter().find(|(place, _)| within(place, byte));
        let at = record.map_or(0, |(place, _)| place.position - first(&file));
        is_damaged(copy.path(), &file, at);
    }
}

#[test]
fn an_earlier_segment_that_is_cut_is_refused_also_between_two_records() {
    let folder = tempfile::tempdir().unwrap();
    let records = fill(folder.path());
    let file = files(folder.path())[1].clone();
    let length = fs::metadata(&file).unwrap().len();
    for cut in 0..length {
        let copy = copy(folder.path());
        change(&files(copy.path())[1], |bytes| bytes.truncate(cut as usize));
        let inside = records.iter().filter(|(place, _)| place.position >= first(&file));
        let at = inside
            .map(|(place, _)| place.position + place.size() - first(&file))
            .take_while(|end| *end <= cut)
            .last()
            .unwrap_or(if cut < header::LENGTH as u64 { 0 } else { header::LENGTH as u64 });
        let why = is_damaged(copy.path(), &file, at);
        if at == cut && at > 0 {
            let (end, next) = (first(&file) + at, first(&file) + length);
            assert_eq!(why, format!("it ends at position {end}, and the next begins at {next}"));
        }
    }
}

#[test]
fn a_segment_that_is_missing_is_noticed_unless_it_was_the_oldest() {
    let folder = tempfile::tempdir().unwrap();
    let records = fill(folder.path());
    let files = files(folder.path());
    let gap = copy(folder.path());
    fs::remove_file(gap.path().join("log").join(files[1].file_name().unwrap())).unwrap();
    let end = fs::metadata(&files[0]).unwrap().len();
    let why = is_damaged(gap.path(), &files[0], end);
    assert!(why.ends_with(&format!("and the next begins at {}", first(&files[2]))), "{why}");
    fs::remove_file(&files[0]).unwrap();
    let rest: Records = records.into_iter().filter(|(place, _)| place.position >= first(&files[1])).collect();
    goes_on_with(folder.path(), &rest, "without the oldest");
}

/// What waits when the process dies is lost, and nothing else.
#[test]
fn a_broker_that_dies_while_it_writes_finds_what_was_reached() {
    let folder = tempfile::tempdir().unwrap();
    let mut opened = open(folder.path());
    let mut records = Vec::new();
    for index in 0..500_u16 {
        if opened.log.is_full(0) {
            opened.log.begin_segment().unwrap();
        }
        let payload = vec![index as u8; 20];
        let (place, ticket) =
            opened.log.append(Durability::Synced, |buffer| buffer.extend_from_slice(&payload));
        records.push((ticket, (place, payload)));
    }
    opened.scribe.abandon();
    let reached = opened.scribe.reached();
    drop(opened);
    let records: Vec<_> = records.into_iter().collect();
    let confirmed = records.iter().filter(|(ticket, _)| *ticket <= reached).count();
    let records: Records = records.into_iter().map(|(_, record)| record).collect();
    let found = open(folder.path()).replayed;
    assert!(found.len() >= confirmed);
    assert_eq!(found, records[..found.len()]);
    goes_on_with(folder.path(), &found, "after it was killed");
}
