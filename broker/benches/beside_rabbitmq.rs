//! The embedded broker beside a RabbitMQ on the same machine, with the same client, the same kind of queue and
//! the same durability: `cargo bench -p broker --bench beside_rabbitmq`.
//!
//! Persistent messages of 1 KB. `publish` waits for the confirm, `publish to consume` for a consumer that
//! acknowledges; each with 1 and with 200 under way. Rounds alternate, and the median of the rounds' ratios is
//! what counts: two figures of one round have met the same machine. Then the memory (PSS) of the embedded
//! broker with a million messages of 1 KB waiting.

use std::collections::VecDeque;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
    QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use testkit::{RabbitMq, eventually};
use tokio::sync::Semaphore;

const ROUNDS: usize = 5;
const BODY: usize = 1024;
const QUEUE: &str = "bench";
const WAITING: usize = 1_000_000;
const GOAL_MB: u64 = 64;

#[derive(Debug, Clone, Copy)]
enum Measured {
    /// From publish to confirm.
    Publish,
    /// From publish to the consumer's acknowledgement.
    Through,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let embedded = Embedded::start().await;
        match RabbitMq::start().await {
            Some(rabbitmq) => {
                for kind in ["quorum", "classic"] {
                    compare(&embedded.url, rabbitmq.url(), kind).await;
                }
            }
            None => println!("no RabbitMQ on this machine: nothing to compare with"),
        }
        drop(embedded);
        a_million_waiting().await;
    });
}

/// The embedded broker, as a process of its own on an empty folder.
struct Embedded {
    process: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Embedded {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let port = testkit::free_port();
        let process = Command::new(env!("CARGO_BIN_EXE_broker"))
            .args(["--listen", &format!("127.0.0.1:{port}"), "--data"])
            .arg(folder.path().join("broker"))
            .stderr(Stdio::null())
            .spawn()
            .expect("the broker starts");
        let url = format!("amqp://guest:guest@127.0.0.1:{port}");
        eventually("the broker", Duration::from_secs(10), async || {
            Connection::connect(&url, ConnectionProperties::default()).await.ok().map(drop)
        })
        .await;
        Self { process, url, _folder: folder }
    }

    /// Its proportional share of memory, in KiB.
    fn pss_kib(&self) -> u64 {
        let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.process.id()));
        let rollup = rollup.expect("Linux, and a process of our own");
        let line = rollup.lines().find(|line| line.starts_with("Pss:")).expect("its PSS");
        line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        // it is of no use any more, however it ends
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn compare(embedded: &str, rabbitmq: &str, kind: &str) {
    for (measured, what) in [(Measured::Publish, "publish"), (Measured::Through, "publish to consume")] {
        for (under_way, count) in [(1, 1_000), (200, 30_000)] {
            let mut rates = Vec::new();
            for round in 0..=ROUNDS {
                let ours = rate(embedded, kind, measured, under_way, count).await;
                let theirs = rate(rabbitmq, kind, measured, under_way, count).await;
                // the first round warms both up
                if round > 0 {
                    rates.push((ours, theirs));
                }
            }
            let of = |figure: fn(&(f64, f64)) -> f64| median(rates.iter().map(figure).collect());
            println!(
                "{kind:8} {what:18} {under_way:3} under way: embedded {:8.0}/s, RabbitMQ {:8.0}/s, ratio {:5.2} (goal 1)",
                of(|rates| rates.0),
                of(|rates| rates.1),
                of(|rates| rates.0 / rates.1),
            );
        }
    }
}

/// Messages a second.
async fn rate(url: &str, kind: &str, measured: Measured, under_way: usize, count: usize) -> f64 {
    let connection = Connection::connect(url, ConnectionProperties::default()).await.expect("connects");
    let channel = connection.create_channel().await.expect("a channel");
    declare(&channel, kind).await;
    let took = match measured {
        Measured::Publish => publish(&channel, under_way, count).await,
        Measured::Through => through(url, &channel, under_way, count).await,
    };
    channel.queue_delete(QUEUE.into(), QueueDeleteOptions::default()).await.expect("it goes");
    connection.close(200, "done".into()).await.expect("it closes");
    count as f64 / took.as_secs_f64()
}

async fn declare(channel: &Channel, kind: &str) {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString(kind.into()));
    channel.queue_declare(QUEUE.into(), QueueDeclareOptions::durable(), arguments).await.expect("a queue");
}

fn persistent() -> BasicProperties {
    BasicProperties::default().with_delivery_mode(2)
}

async fn publish(channel: &Channel, under_way: usize, count: usize) -> Duration {
    channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
    let body = vec![7; BODY];
    let begun = Instant::now();
    let mut confirms = VecDeque::new();
    for _ in 0..count {
        if confirms.len() == under_way {
            let confirm: lapin::PublisherConfirm = confirms.pop_front().expect("one");
            assert!(confirm.await.expect("an answer").is_ack());
        }
        let options = BasicPublishOptions::default();
        let published = channel.basic_publish("".into(), QUEUE.into(), options, &body, persistent()).await;
        confirms.push_back(published.expect("it is sent"));
    }
    for confirm in confirms {
        assert!(confirm.await.expect("an answer").is_ack());
    }
    begun.elapsed()
}

async fn through(url: &str, channel: &Channel, under_way: usize, count: usize) -> Duration {
    let connection = Connection::connect(url, ConnectionProperties::default()).await.expect("connects");
    let reading = connection.create_channel().await.expect("a channel");
    reading
        .basic_qos(u16::try_from(under_way).expect("few"), BasicQosOptions::default())
        .await
        .expect("a prefetch");
    let consumer =
        reading.basic_consume(QUEUE.into(), "".into(), BasicConsumeOptions::default(), FieldTable::default());
    let mut deliveries = consumer.await.expect("a consumer");
    let turns = Arc::new(Semaphore::new(under_way));
    let freed = turns.clone();
    let begun = Instant::now();
    let reader = tokio::spawn(async move {
        for _ in 0..count {
            let delivery = deliveries.next().await.expect("a message").expect("no error");
            delivery.ack(BasicAckOptions::default()).await.expect("it is sent");
            freed.add_permits(1);
        }
    });
    let body = vec![7; BODY];
    for _ in 0..count {
        turns.acquire().await.expect("open").forget();
        let options = BasicPublishOptions::default();
        let published = channel.basic_publish("".into(), QUEUE.into(), options, &body, persistent()).await;
        published.expect("it is sent");
    }
    reader.await.expect("no panic");
    let took = begun.elapsed();
    connection.close(200, "done".into()).await.expect("it closes");
    took
}

async fn a_million_waiting() {
    let embedded = Embedded::start().await;
    let before = embedded.pss_kib();
    let connection =
        Connection::connect(&embedded.url, ConnectionProperties::default()).await.expect("connects");
    let channel = connection.create_channel().await.expect("a channel");
    declare(&channel, "quorum").await;
    let took = publish(&channel, 1000, WAITING).await;
    let after = embedded.pss_kib();
    println!(
        "{WAITING} messages of {BODY} bytes waiting: {} MB of proportional memory, {} MB before (goal {GOAL_MB} MB); \
         taken in {took:.1?}",
        after * 1024 / 1_000_000,
        before * 1024 / 1_000_000,
    );
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
