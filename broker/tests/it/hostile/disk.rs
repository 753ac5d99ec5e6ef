//! A disk that is full.

use std::path::Path;
use std::process::Command;

use tokio::io::AsyncWriteExt as _;

use super::Raw;
use super::bytes::{self, BLOCKED, Bytes, UNBLOCKED};
use super::raw::Confirms;
use crate::embedded::Embedded;

/// How large the disk is.
const DISK: u64 = 64 << 20;
/// How much of it is taken to begin with.
const BALLAST: u64 = 36 << 20;
/// How many messages are published, and how large they are: more than there is room for beside the ballast,
/// and less than half the disk.
const MESSAGES: u64 = 640;
const MESSAGE: usize = 64 << 10;

#[tokio::test]
async fn a_disk_that_is_nearly_full_stops_publishers_alone() {
    fills_up_and_is_cleared(8 << 20).await;
}

#[tokio::test]
async fn a_disk_without_a_free_byte_stops_publishers_alone() {
    fills_up_and_is_cleared(0).await;
}

/// Publishes more than there is room for, with publishers blocked when less than so many bytes are free: they
/// wait, consumers are served, all goes on when there is room again, and nothing that was confirmed is lost,
/// not even by a crash.
async fn fills_up_and_is_cleared(disk_free_bytes: u64) {
    let Some(disk) = Disk::mount() else {
        return testkit::require_or_skip("a full disk", "the right to mount a tmpfs");
    };
    let ballast = disk.path().join("ballast");
    let data = disk.path().join("data");
    std::fs::write(&ballast, vec![0; BALLAST as usize]).expect("there is room");

    let running = start(&data, disk_free_bytes);
    // a consumer of another queue, who is there before
    let mut consumer = Raw::channel(&running.url).await;
    let durable = Bytes::new().u16(0).short("durable").u8(2).long([]);
    consumer.send(bytes::method(1, bytes::QUEUE_DECLARE, durable)).await;
    consumer.expect(bytes::QUEUE_DECLARE_OK).await;

    let mut publisher = Raw::channel(&running.url).await;
    publisher.send(bytes::confirm_select(1)).await;
    publisher.expect(bytes::CONFIRM_SELECT_OK).await;
    let Raw { mut input, mut output, .. } = publisher;
    let writing = tokio::spawn(async move {
        let persistent = Bytes::new().u16(1 << 12).u8(2);
        let message = bytes::publish(1, "durable")
            .raw(bytes::header_with(1, MESSAGE as u64, persistent))
            .raw(bytes::body(1, vec![b'x'; MESSAGE]));
        for _ in 0..MESSAGES {
            output.write_all(message.as_ref()).await.expect("the broker reads in the end");
        }
        output
    });
    // the publisher is told why it waits
    let (mut confirms, mut unblocked) = (Confirms::default(), false);
    loop {
        let frame = input.frame().await.expect("the publisher stays connected");
        match frame.method() {
            Some(bytes::ACK) => confirms.take(&frame),
            Some(BLOCKED) => break assert!(frame.payload.ends_with(b"low on disk"), "{frame:?}"),
            other => panic!("{other:?}"),
        }
    }
    assert!(confirms.count() < MESSAGES, "there was no room for all");

    // who consumes gets what is there
    consumer.send(bytes::consume(1, "durable")).await;
    consumer.expect(bytes::CONSUME_OK).await;
    consumer.input.delivered(confirms.count()).await;
    drop(consumer);
    assert!(running.broker.status().alarm.is_some(), "there still is no room");

    std::fs::remove_file(&ballast).expect("the ballast is ours");
    while confirms.count() < MESSAGES || !unblocked {
        let frame = input.frame().await.expect("the publisher stays connected");
        match frame.method() {
            Some(bytes::ACK) => confirms.take(&frame),
            Some(UNBLOCKED) => unblocked = true,
            // it may be at the brink for a moment
            Some(BLOCKED) => unblocked = false,
            other => panic!("{other:?}"),
        }
    }
    let output = writing.await.expect("all was read");

    running.kill().await;
    drop(output);
    let running = start(&data, disk_free_bytes);
    let mut reader = Raw::channel(&running.url).await;
    assert_eq!(u64::from(reader.ready("durable").await), MESSAGES, "what was confirmed is there");
    reader.send(bytes::consume(1, "durable")).await;
    reader.expect(bytes::CONSUME_OK).await;
    reader.input.delivered(MESSAGES).await;
    running.kill().await;
}

fn start(data: &Path, disk_free_bytes: u64) -> Embedded {
    Embedded::on(data.to_owned(), |config| {
        config.limits.disk_free_bytes = disk_free_bytes;
        config.limits.segment_bytes = 1 << 20;
    })
}

/// A small disk of its own, which is gone when dropped.
struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    /// None where this user may not mount anything.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let size = format!("size={DISK}");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "tradewind-test"]).arg(folder.path());
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        mounted.then_some(Self { folder })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // lazily: what still runs in there is about to end
        let _ = Command::new("umount").arg("-l").arg(self.folder.path()).output();
    }
}
