//! Clients that take more than they give back: who never reads, and who never acknowledges.

use tokio::io::AsyncWriteExt as _;

use super::bytes::{self, Bytes, RETURN};
use super::process::Process;
use super::raw::Confirms;
use super::{Bystander, Raw, is_embedded};
use crate::servers::servers;

/// How much memory a broker may need for whatever clients do, in bytes, as a debug build.
const MEMORY: u64 = 80 << 20;
/// Messages that are sent at once.
const BATCH: u64 = 500;

/// How many messages it takes: `TRADEWIND_HOSTILE_MESSAGES`, or 100,000. They are more than the sockets hold.
fn many() -> u64 {
    let asked = std::env::var("TRADEWIND_HOSTILE_MESSAGES").ok();
    asked.map_or(100_000, |asked| asked.parse().expect("TRADEWIND_HOSTILE_MESSAGES is a number"))
}

/// Publishes so many messages into a queue that it declares; returns when all are confirmed.
async fn flood(url: &str, queue: &str, count: u64, content: &[u8]) {
    pour(Raw::publisher(url, queue).await, queue, count, content).await;
}

/// The same on a channel 1 that confirms, into a queue that is there.
async fn pour(publisher: Raw, queue: &str, count: u64, content: &[u8]) {
    let Raw { mut input, mut output, .. } = publisher;
    let batch = batch(&bytes::message(1, queue, content));
    let batches = count.div_ceil(BATCH);
    let writing = async {
        for _ in 0..batches {
            output.write_all(batch.as_ref()).await.expect("the broker reads");
        }
    };
    let ((), ()) = tokio::join!(writing, input.confirmed(batches * BATCH));
}

fn batch(message: &Bytes) -> Bytes {
    (0..BATCH).fold(Bytes::new(), |batch, _| batch.raw(message))
}

#[tokio::test]
async fn who_never_reads_what_it_consumes_is_left_behind() {
    let mut process = Process::start().await;
    let url = process.url.clone();
    let mut bystander = Bystander::at(&url).await;
    drop(Raw::publisher(&url, "hoard").await);
    // these two are given what there is, and never look at it
    let hoarder = Raw::consumer(&url, "hoard").await;
    let mut careless = Raw::channel(&url).await;
    let without_acknowledgements = Bytes::new().u16(0).short("hoard").short("").u8(2).long([]);
    careless.send(bytes::method(1, bytes::CONSUME, without_acknowledgements)).await;

    flood(&url, "hoard", many(), &[b'x'; 1024]).await;
    bystander.lives().await;
    // neither do others notice anything
    flood(&url, "elsewhere", 5000, b"x").await;
    let mut other = Raw::consumer(&url, "elsewhere").await;
    other.input.delivered(5000).await;
    bystander.lives().await;

    // nor is anything lost of what it was given
    drop(careless);
    drop(hoarder);
    let mut reader = Raw::channel(&url).await;
    // what the careless one was sent is gone: the sockets hold some megabytes
    reader.until_ready("hoard", |count| count > many() / 2).await;
    if let Some(peak) = process.peak_memory() {
        assert!(peak < MEMORY, "it needed {} MiB", peak >> 20);
    }
    process.is_well();
}

#[tokio::test]
async fn who_never_reads_a_stream_is_left_behind() {
    const WINDOW: u16 = 60_000;
    let mut process = Process::start().await;
    let url = process.url.clone();
    let mut bystander = Bystander::at(&url).await;
    let text = |key: &str, value: &str| Bytes::new().short(key).raw(b"S").long(value);
    let mut publisher = Raw::publisher(&url, "other").await;
    let durable = Bytes::new().u16(0).short("log").u8(2).long(text("x-queue-type", "stream"));
    publisher.send(bytes::method(1, bytes::QUEUE_DECLARE, durable)).await;
    publisher.expect(bytes::QUEUE_DECLARE_OK).await;
    let reader = async || {
        let mut reader = Raw::channel(&url).await;
        reader.send(bytes::prefetch(1, WINDOW)).await;
        reader.expect(bytes::QOS_OK).await;
        let from_the_start = text("x-stream-offset", "first");
        let consume = Bytes::new().u16(0).short("log").short("").u8(0).long(from_the_start);
        reader.send(bytes::method(1, bytes::CONSUME, consume)).await;
        reader.expect(bytes::CONSUME_OK).await;
        reader
    };
    let _idle = reader().await;
    pour(publisher, "log", many(), &[b'x'; 1024]).await;
    bystander.lives().await;
    let mut busy = reader().await;
    for read in (BATCH..=many()).step_by(BATCH as usize) {
        busy.input.delivered(BATCH).await;
        busy.send(bytes::ack(1, read, 1)).await;
    }
    bystander.lives().await;
    if let Some(peak) = process.peak_memory() {
        assert!(peak < MEMORY, "it needed {} MiB", peak >> 20);
    }
    process.is_well();
}

#[tokio::test]
async fn who_never_reads_its_confirms_is_left_behind() {
    let mut process = Process::start().await;
    let url = process.url.clone();
    let mut bystander = Bystander::at(&url).await;
    // each of these comes back whole before it is confirmed
    let message =
        bytes::publish_with(1, "nowhere", 1).raw(bytes::header(1, 1024)).raw(bytes::body(1, [b'x'; 1024]));
    let batches = many().div_ceil(BATCH);
    let Raw { mut input, mut output, .. } = Raw::publisher(&url, "somewhere").await;
    let writing = tokio::spawn(async move {
        let batch = batch(&message);
        for _ in 0..batches {
            output.write_all(batch.as_ref()).await.expect("the broker reads in the end");
        }
        output
    });
    // while it is stuck, others are not
    for _ in 0..20 {
        bystander.lives().await;
    }
    flood(&url, "elsewhere", 5000, b"x").await;

    let (mut returned, mut confirms) = (0, Confirms::default());
    while confirms.count() < batches * BATCH {
        let frame = input.frame().await.expect("the stream goes on");
        returned += u64::from(frame.method() == Some(RETURN));
        confirms.take(&frame);
        let confirmed = confirms.count();
        assert!(confirmed <= returned, "{confirmed} are confirmed, {returned} were returned before");
    }
    assert_eq!(returned, batches * BATCH);
    writing.await.expect("it was all read");
    bystander.lives().await;
    if let Some(peak) = process.peak_memory() {
        assert!(peak < MEMORY, "it needed {} MiB", peak >> 20);
    }
    process.is_well();
}

#[tokio::test]
async fn a_consumer_may_hold_as_much_as_it_likes() {
    for server in servers().await {
        // 100,000 are more than a RabbitMQ of 400 MB holds: it blocks all publishers, also those of other tests
        let many = if is_embedded(&server) { many() } else { 5000 };
        let mut bystander = Bystander::at(&server.url).await;
        flood(&server.url, "held", many, b"x").await;
        let mut holder = Raw::consumer(&server.url, "held").await;
        holder.input.delivered(many).await;
        bystander.lives().await;
        let mut watcher = Raw::channel(&server.url).await;
        assert_eq!(watcher.ready("held").await, 0, "{}", server.name);

        // of the first half it lets go at once, the second returns when it is gone
        holder.send(bytes::ack(1, many / 2, 1)).await;
        holder.is_served(1).await;
        drop(holder);
        watcher.until_ready("held", |count| count == many - many / 2).await;
        bystander.lives().await;
    }
}
