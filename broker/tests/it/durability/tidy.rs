//! The log stays short, whatever stays in it, and queues may be larger than memory.

use std::collections::VecDeque;
use std::time::Duration;

use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use testkit::eventually;

use crate::client::{durable, next, publish, take};
use crate::embedded::{Embedded, folder};

const BODY: usize = 16 * 1024;
const SEGMENT: u64 = 256 * 1024;
/// What the log may hold that is of no use, and then some: it is only tidied when that is worth it.
const MUCH: u64 = 80 << 20;

async fn channel(broker: &Embedded) -> Channel {
    let connection =
        Connection::connect(&broker.url, ConnectionProperties::default()).await.expect("connects");
    let channel = connection.create_channel().await.expect("a channel");
    channel.confirm_select(Default::default()).await.expect("confirms");
    channel
}

/// Publishes persistent or transient messages whose first bytes say their number.
async fn fill(channel: &Channel, queue: &str, numbers: std::ops::Range<u32>, mode: u8) {
    let mut confirms = VecDeque::new();
    for number in numbers {
        let mut body = vec![0; BODY];
        body[..4].copy_from_slice(&number.to_be_bytes());
        let properties = BasicProperties::default().with_delivery_mode(mode);
        let options = BasicPublishOptions::default();
        let published = channel.basic_publish("".into(), queue.into(), options, &body, properties).await;
        confirms.push_back(published.expect("it is sent"));
        if confirms.len() == 64 {
            assert!(confirms.pop_front().expect("one").await.expect("an answer").is_ack());
        }
    }
    for confirm in confirms {
        assert!(confirm.await.expect("an answer").is_ack());
    }
}

/// Consumes messages, which must come in order.
async fn empty(channel: &Channel, queue: &str, numbers: std::ops::Range<u32>) {
    channel.basic_qos(50, BasicQosOptions::default()).await.expect("a prefetch");
    let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
    let mut consumer =
        channel.basic_consume(queue.into(), "reader".into(), options, arguments).await.expect("a consumer");
    for number in numbers {
        let delivery = next(&mut consumer).await;
        assert_eq!(delivery.data[..4], number.to_be_bytes(), "in order");
        assert_eq!(delivery.data.len(), BODY);
        delivery.ack(BasicAckOptions::default()).await.expect("it is sent");
    }
    channel.basic_cancel("reader".into(), Default::default()).await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_message_that_stays_does_not_keep_everything_after_it() {
    let home = folder();
    let on = home.path().join("broker");
    let broker = Embedded::on(on.clone(), |config| config.limits.segment_bytes = SEGMENT);
    let channel = channel(&broker).await;
    for queue in ["stays", "passes"] {
        channel.queue_declare(queue.into(), durable(), FieldTable::default()).await.expect("a queue");
    }
    let properties = BasicProperties::default().with_delivery_mode(2);
    publish(&channel, "", "stays", "patience", properties).await;
    let round = 1_500;
    for first in (0..5).map(|at| at * round) {
        fill(&channel, "passes", first..first + round, 2).await;
        empty(&channel, "passes", first..first + round).await;
    }
    let disk = eventually("the log to be tidied", Duration::from_secs(60), async || {
        Some(broker.broker.status().disk_bytes).filter(|bytes| *bytes < MUCH)
    })
    .await;
    assert!(disk > 0);
    broker.kill().await;
    let broker = Embedded::on(on, |config| config.limits.segment_bytes = SEGMENT);
    let channel = self::channel(&broker).await;
    assert_eq!(take(&channel, "stays").await.data, b"patience");
    assert_eq!(broker.broker.status().queues.iter().map(|queue| queue.ready).sum::<u64>(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_may_be_larger_than_memory_whether_or_not_it_outlives_a_restart() {
    let home = folder();
    let broker = Embedded::on(home.path().join("broker"), |config| config.limits.cached_bytes = 1 << 20);
    let channel = channel(&broker).await;
    channel.queue_declare("long".into(), durable(), FieldTable::default()).await.expect("a queue");
    for mode in [1, 2] {
        // 32 MB, a thirtieth of which is in memory
        fill(&channel, "long", 0..2_000, mode).await;
        let status = broker.broker.status();
        assert!(status.cached_bytes < 8 << 20, "{} bytes in memory", status.cached_bytes);
        empty(&channel, "long", 0..2_000).await;
    }
    let status = broker.broker.status();
    assert_eq!((status.cached_bytes, status.index_bytes), (0, 0), "nothing is kept of what is gone");
}
