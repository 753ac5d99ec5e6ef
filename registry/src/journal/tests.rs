use std::io::Write;

use tokio::time::Instant;

use super::*;
use crate::Limits;
use crate::state::{Guard, Lease};

struct Opened {
    state: State,
    journal: Journal,
}

fn open(folder: &Path) -> Result<Opened, OpenError> {
    let mut state = State::new(Limits::default());
    let journal = Journal::open(folder, &mut state, Instant::now())?;
    Ok(Opened { state, journal })
}

impl Opened {
    fn put(&mut self, key: &str, value: &str) {
        let put = self.state.put(key, value.into(), 0, Guard::Always, Lease::Keep, Instant::now());
        assert!(put.unwrap());
        let batch = self.state.take_batch().unwrap();
        self.journal.append(&batch).unwrap();
    }

    fn value(&self, key: &str) -> Option<&[u8]> {
        self.state.entry(key).map(|entry| entry.value.as_slice())
    }
}

#[test]
fn comes_back_with_every_change_and_a_greater_index() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = open(folder.path()).unwrap();
    first.put("a", "1");
    first.put("a", "2");
    first.put("b", "3");
    let (index, node) = (first.state.index(), first.journal.node_id().to_owned());
    let modified = first.state.entry("a").unwrap().modified;
    drop(first);
    let second = open(folder.path()).unwrap();
    assert_eq!((second.value("a"), second.value("b")), (Some(&b"2"[..]), Some(&b"3"[..])));
    assert_eq!(second.state.entry("a").unwrap().modified, modified);
    assert!(second.state.index() > index);
    assert_eq!(second.journal.node_id(), node);
    let index = second.state.index();
    drop(second);
    assert!(open(folder.path()).unwrap().state.index() > index, "also when nothing was changed between");
}

/// A crash may stop a write at any byte: every prefix of a journal must open, with every change
/// whose line is whole.
#[test]
fn opens_after_a_cut_at_any_byte() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = open(folder.path()).unwrap();
    first.put("a", "1");
    let whole = first.journal.length;
    first.put("b", "2");
    let path = first.journal.path.clone();
    drop(first);
    let bytes = std::fs::read(&path).unwrap();
    for length in 0..bytes.len() {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let opened = open(folder.path()).unwrap_or_else(|error| panic!("cut at {length}: {error}"));
        if length as u64 >= whole {
            assert_eq!(opened.value("a"), Some(&b"1"[..]), "cut at {length}");
        }
    }
}

#[test]
fn damage_before_the_end_is_an_error_that_names_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = open(folder.path()).unwrap();
    let path = first.journal.path.clone();
    first.put("a", "1");
    drop(first);
    OpenOptions::new().append(true).open(&path).unwrap().write_all(b"garbage\n").unwrap();
    let error = open(folder.path()).err().unwrap();
    assert!(matches!(error, OpenError::Damaged { line: 3, .. }), "{error}");
}

#[test]
fn a_second_registry_on_the_same_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let _first = open(folder.path()).unwrap();
    assert!(matches!(open(folder.path()).err(), Some(OpenError::InUse { .. })));
}

#[test]
fn a_grown_journal_shrinks_to_what_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut opened = open(folder.path()).unwrap();
    let big = "x".repeat(100_000);
    let mut round = 0;
    while !opened.journal.wants_snapshot() {
        round += 1;
        opened.put("a", &format!("{round}{big}"));
    }
    let before = opened.journal.length;
    opened.journal.compact(&opened.state).unwrap();
    assert!(opened.journal.length < before / 4);
    opened.put("b", "after");
    drop(opened);
    let opened = open(folder.path()).unwrap();
    assert_eq!(opened.value("a").unwrap(), format!("{round}{big}").as_bytes());
    assert_eq!(opened.value("b"), Some(&b"after"[..]));
}
