use std::fs::{self, read, write};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::*;

/// A file on a disk that is always full.
fn full() -> Arc<AppendFile> {
    AppendFile::open(Path::new("/dev/full"), 0).unwrap()
}

fn put(scribe: &Scribe, file: &Arc<AppendFile>, bytes: &[u8]) -> Ticket {
    scribe.write(file, Durability::Synced, |buffer| buffer.extend_from_slice(bytes)).1
}

/// Waits until the disk is no longer well, and says how it is.
async fn not_well(scribe: &Scribe) -> Condition {
    let mut condition = scribe.condition();
    let not_well = condition.wait_for(|condition| *condition != Condition::Well);
    tokio::time::timeout(Duration::from_secs(20), not_well).await.expect("the disk is well").unwrap().clone()
}

#[tokio::test]
async fn what_is_given_stands_in_its_file_in_the_order_of_the_calls() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    write(&one, b"kept, cut off").unwrap();
    let (a, b) = (AppendFile::open(&one, 4).unwrap(), AppendFile::open(&other, 0).unwrap());
    let scribe = Scribe::start().unwrap();
    let mut last = 0;
    for round in 0..100_u8 {
        let (at, ticket) = scribe.write(&a, Durability::Written, |buffer| buffer.push(round));
        assert_eq!((at, a.end()), (4 + u64::from(round), 5 + u64::from(round)));
        assert!(ticket > last);
        last = put(&scribe, &b, &[round, round]);
        assert!(last > ticket);
    }
    assert_eq!(scribe.given(), last);
    scribe.until(last).await;
    assert!(scribe.reached() >= last);
    assert_eq!(scribe.backlog(), 0);
    assert_eq!(read(one).unwrap(), [b"kept".to_vec(), (0..100).collect()].concat());
    assert_eq!(read(other).unwrap(), (0..100).flat_map(|round| [round, round]).collect::<Vec<u8>>());
}

#[tokio::test]
async fn a_ticket_for_a_sync_alone_is_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = AppendFile::open(&folder.path().join("file"), 0).unwrap();
    let scribe = Scribe::start().unwrap();
    let (_, written) = scribe.write(&file, Durability::Written, |buffer| buffer.push(1));
    let (at, synced) = scribe.write(&file, Durability::Synced, |_| {});
    assert!(synced > written);
    assert_eq!((at, file.end()), (1, 1));
    scribe.until(synced).await;
}

#[tokio::test]
async fn what_the_disk_refuses_holds_up_what_was_given_after_it_and_the_reason_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let file = AppendFile::open(&path, 0).unwrap();
    let scribe = Scribe::start().unwrap();
    let refused = put(&scribe, &full(), b"nothing fits");
    let Condition::Refusing(why) = not_well(&scribe).await else { panic!("it should be refusing") };
    assert!(why.contains("/dev/full") && why.contains("No space"), "{why}");
    let after = put(&scribe, &file, b"after it");
    assert_eq!(scribe.backlog(), 8);
    // a disk that refuses does not keep the process from ending
    scribe.finish();
    assert!(scribe.reached() < refused && refused < after);
    assert_eq!(read(&path).unwrap(), b"");
}

/// A limit on the size of files plays the full disk here, since it can be lifted. It holds for a whole process,
/// which also dies of it unless it is told not to, so this runs in one of its own.
#[tokio::test]
async fn what_was_written_in_part_is_written_again_when_the_disk_has_room() {
    const FILE: &str = "BROKER_TEST_FILE";
    if let Some(path) = std::env::var_os(FILE) {
        let file = AppendFile::open(Path::new(&path), 0).unwrap();
        let scribe = Scribe::start().unwrap();
        let bytes: Vec<u8> = (0..10_000_u32).map(|byte| (byte % 251) as u8).collect();
        let first = put(&scribe, &file, &bytes);
        assert!(matches!(not_well(&scribe).await, Condition::Refusing(_)));
        assert_eq!(read(&path).unwrap().len(), 4096, "it is written in part");
        let second = put(&scribe, &file, b"and more");
        assert!(scribe.reached() < first);
        let unlimited = Rlimit { current: None, maximum: getrlimit(Resource::Fsize).maximum };
        setrlimit(Resource::Fsize, Rlimit { current: unlimited.maximum, ..unlimited }).unwrap();
        scribe.until(second).await;
        assert_eq!(*scribe.condition().borrow(), Condition::Well);
        assert_eq!(read(&path).unwrap(), [&bytes[..], b"and more"].concat());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (_, module) = module_path!().split_once("::").unwrap();
    let name = format!("{module}::what_was_written_in_part_is_written_again_when_the_disk_has_room");
    let ran = Command::new("sh")
        // 8 blocks of 512 bytes
        .args(["-c", "trap '' XFSZ; ulimit -S -f 8; exec \"$0\" --exact \"$1\""])
        .arg(std::env::current_exe().unwrap())
        .arg(name)
        .env(FILE, folder.path().join("file"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}{:?}", ran.stderr);
}

#[tokio::test]
async fn finish_writes_all_that_waits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let file = AppendFile::open(&path, 0).unwrap();
    let scribe = Scribe::start().unwrap();
    let last = (0..1000).fold(0, |_, _| put(&scribe, &file, b"written"));
    scribe.finish();
    assert_eq!(scribe.reached(), last);
    assert_eq!(read(path).unwrap().len(), 7000);
    // and whoever waits for what comes too late waits for ever
    let late = put(&scribe, &file, b"too late");
    assert!(tokio::time::timeout(Duration::from_millis(20), scribe.until(late)).await.is_err());
}

#[tokio::test]
async fn the_last_clone_finishes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let file = AppendFile::open(&path, 0).unwrap();
    let scribe = Scribe::start().unwrap();
    let clone = scribe.clone();
    drop(scribe);
    put(&clone, &file, b"written");
    drop(clone);
    assert_eq!(read(path).unwrap(), b"written");
}

#[tokio::test]
async fn abandon_loses_what_waits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    write(&path, b"there").unwrap();
    let file = AppendFile::open(&path, 5).unwrap();
    let scribe = Scribe::start().unwrap();
    put(&scribe, &full(), b"holds up the thread");
    not_well(&scribe).await;
    let lost = put(&scribe, &file, b"lost");
    scribe.remove(path.clone());
    scribe.abandon();
    scribe.finish();
    assert!(scribe.reached() < lost);
    assert_eq!(read(path).unwrap(), b"there");
}

#[tokio::test]
async fn nothing_is_written_into_a_new_file_before_the_one_before_it_is_synced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new");
    let new = AppendFile::open(&path, 0).unwrap();
    let scribe = Scribe::start().unwrap();
    // a device, which cannot be synced
    scribe.begin(&new, Some(&full()), |buffer| buffer.extend_from_slice(b"header"));
    put(&scribe, &new, b"record");
    let Condition::Broken(why) = not_well(&scribe).await else { panic!("it should be broken") };
    assert!(why.contains("/dev/full cannot be synced"), "{why}");
    assert_eq!(read(path).unwrap(), b"");
    assert_eq!(scribe.reached(), 0);
}

#[tokio::test]
async fn a_new_file_follows_one_that_can_be_synced() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (folder.path().join("old"), folder.path().join("new"));
    let (a, b) = (AppendFile::open(&old, 0).unwrap(), AppendFile::open(&new, 0).unwrap());
    let scribe = Scribe::start().unwrap();
    scribe.write(&a, Durability::Written, |buffer| buffer.extend_from_slice(b"old"));
    scribe.begin(&b, Some(&a), |buffer| buffer.extend_from_slice(b"header, "));
    let last = put(&scribe, &b, b"record");
    scribe.until(last).await;
    assert_eq!((read(old).unwrap(), read(new).unwrap()), (b"old".to_vec(), b"header, record".to_vec()));
}

#[tokio::test]
async fn files_and_folders_are_deleted_and_what_is_gone_already_is_no_fault() {
    let folder = tempfile::tempdir().unwrap();
    let (file, inner) = (folder.path().join("file"), folder.path().join("inner"));
    fs::create_dir(&inner).unwrap();
    write(&file, b"").unwrap();
    write(inner.join("file"), b"").unwrap();
    let scribe = Scribe::start().unwrap();
    for path in [&file, &file, &folder.path().join("none/such"), &inner] {
        scribe.remove(path.clone());
    }
    scribe.finish();
    assert!(!file.exists() && !inner.exists());
}

#[tokio::test]
async fn nothing_is_deleted_before_what_was_given_earlier_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    write(&path, b"its only copy is not written yet").unwrap();
    let scribe = Scribe::start().unwrap();
    put(&scribe, &full(), b"the copy");
    scribe.remove(path.clone());
    not_well(&scribe).await;
    scribe.finish();
    assert!(path.exists());
}

#[tokio::test]
async fn what_cannot_be_deleted_is_not_overtaken_and_tried_again_later() {
    let folder = tempfile::tempdir().unwrap();
    let (file, oldest, older) =
        (folder.path().join("file"), folder.path().join("oldest"), folder.path().join("older"));
    write(&oldest, b"a file where a folder should be").unwrap();
    write(&older, b"").unwrap();
    let file = AppendFile::open(&file, 0).unwrap();
    let scribe = Scribe::start().unwrap();
    scribe.remove(oldest.join("file"));
    scribe.remove(older.clone());
    for _ in 0..3 {
        scribe.until(put(&scribe, &file, b"goes on")).await;
    }
    assert!(older.exists());
    fs::remove_file(&oldest).unwrap();
    put(&scribe, &file, b"other work");
    scribe.finish();
    assert!(!older.exists());
}
