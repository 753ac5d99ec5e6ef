//! A log that ends anywhere in its last records: the broker starts, with everything before.

use std::path::{Path, PathBuf};

use broker::{Broker, Config};
use lapin::options::BasicPublishOptions;
use lapin::{BasicProperties, Connection, ConnectionProperties};

use crate::client::{drain, durable, take};
use crate::embedded::{Embedded, folder};

const MESSAGES: usize = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_ends_at_any_byte_of_its_last_records_gives_everything_before() {
    let home = folder();
    let whole = home.path().join("whole");
    let broker = Embedded::on(whole.clone(), |_| ());
    let connection =
        Connection::connect(&broker.url, ConnectionProperties::default()).await.expect("connects");
    let channel = connection.create_channel().await.expect("a channel");
    channel.queue_declare("work".into(), durable(), Default::default()).await.expect("a queue");
    channel.confirm_select(Default::default()).await.expect("confirms");
    let before = length(&whole);
    for number in 0..MESSAGES {
        let properties = BasicProperties::default().with_delivery_mode(2);
        let body = number.to_string();
        let options = BasicPublishOptions::default();
        let published =
            channel.basic_publish("".into(), "work".into(), options, body.as_bytes(), properties).await;
        assert!(published.expect("it is sent").await.expect("an answer").is_ack());
    }
    let filled = length(&whole);
    // two are taken out again, and the log says so after them
    for _ in 0..2 {
        take(&channel, "work").await;
    }
    channel.queue_declare("other".into(), durable(), Default::default()).await.expect("a queue");
    broker.stop().await;
    let end = length(&whole);

    let (mut last, mut cuts) = (0, 0);
    for cut in before..=end {
        let torn = home.path().join("torn");
        copy(&whole, &torn);
        let segment = segment(&torn);
        std::fs::File::options().write(true).open(&segment).expect("a file").set_len(cut).expect("it is cut");
        let ready = ready(&torn);
        if cut <= filled {
            assert!(ready >= last && ready <= last + 1, "cut at {cut}: {ready} after {last}");
            last = ready;
        } else {
            assert!((MESSAGES - 2..=MESSAGES).contains(&ready), "cut at {cut}: {ready}");
        }
        // and it goes on from there
        if cut % 64 == 0 || cut == end {
            let expected: Vec<String> = match cut == end {
                true => (2..MESSAGES).map(|number| number.to_string()).collect(),
                false if cut <= filled => (0..ready).map(|number| number.to_string()).collect(),
                false => (MESSAGES - ready..MESSAGES).map(|number| number.to_string()).collect(),
            };
            assert_eq!(contents(torn.clone()).await, expected, "cut at {cut}");
            cuts += 1;
        }
        std::fs::remove_dir_all(&torn).expect("it goes");
    }
    assert_eq!(last, MESSAGES);
    assert!(cuts > 10, "{cuts}");
}

/// How many messages wait in a broker that is opened on a folder.
fn ready(folder: &Path) -> usize {
    let broker = Broker::open(Config::new(folder.to_owned())).expect("it opens");
    let queue = broker.status().queues.into_iter().find(|queue| queue.name == "work").expect("the queue");
    queue.ready as usize
}

/// What waits there, and that one more can be published and is there after the next start.
async fn contents(folder: PathBuf) -> Vec<String> {
    let broker = Embedded::on(folder.clone(), |_| ());
    let connection =
        Connection::connect(&broker.url, ConnectionProperties::default()).await.expect("connects");
    let channel = connection.create_channel().await.expect("a channel");
    let found = drain(&channel, "work").await;
    channel.confirm_select(Default::default()).await.expect("confirms");
    let properties = BasicProperties::default().with_delivery_mode(2);
    let published =
        channel.basic_publish("".into(), "work".into(), BasicPublishOptions::default(), b"more", properties);
    assert!(published.await.expect("it is sent").await.expect("an answer").is_ack());
    broker.kill().await;
    assert_eq!(ready(&folder), 1, "what was published afterwards");
    found
}

/// The last segment of the log.
fn segment(folder: &Path) -> PathBuf {
    let entries = std::fs::read_dir(folder.join("log")).expect("the log");
    entries.map(|entry| entry.expect("an entry").path()).max().expect("a segment")
}

fn length(folder: &Path) -> u64 {
    std::fs::metadata(segment(folder)).expect("a file").len()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        match entry.file_type().expect("a type").is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).expect("it is copied")),
        }
    }
}
