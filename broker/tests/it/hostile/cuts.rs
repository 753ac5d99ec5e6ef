//! Connections that end in the middle of something.

use std::time::Duration;

use testkit::eventually;

use super::bytes::{self, GET_OK};
use super::{Bystander, Raw};
use crate::servers::{embedded_with, servers};

#[tokio::test]
async fn a_message_that_was_cut_short_is_not_there() {
    for server in servers().await {
        let mut bystander = Bystander::at(&server.url).await;
        let mut watcher = Raw::publisher(&server.url, "whole").await;
        let mut cut = Raw::channel(&server.url).await;
        let half =
            bytes::publish(1, "whole").raw(bytes::header(1, 100_000)).raw(bytes::body(1, [b'x'; 50_000]));
        cut.send(half).await;
        cut.hang_up().await;
        assert_eq!(watcher.ready("whole").await, 0, "{}", server.name);
        watcher.send(bytes::message(1, "whole", "all of it")).await;
        watcher.input.confirmed(1).await;
        assert_eq!(watcher.ready("whole").await, 1, "{}", server.name);
        bystander.lives().await;
    }
}

#[tokio::test]
async fn what_was_confirmed_before_a_cut_is_there() {
    for server in servers().await {
        let mut watcher = Raw::channel(&server.url).await;
        let mut cut = Raw::publisher(&server.url, "kept").await;
        let whole = bytes::message(1, "kept", "one").raw(bytes::message(1, "kept", "two"));
        cut.send(whole.raw(bytes::publish(1, "kept"))).await;
        // without it nothing is promised: RabbitMQ forgets what a channel has not come to when its connection ends
        cut.input.confirmed(2).await;
        cut.hang_up().await;
        assert_eq!(watcher.ready("kept").await, 2, "{}", server.name);
    }
}

/// RabbitMQ promises less: see above.
#[tokio::test]
async fn the_embedded_broker_keeps_what_was_published_whole_before_a_cut() {
    let server = embedded_with(|_| ()).await;
    let mut watcher = Raw::publisher(&server.url, "kept").await;
    let mut cut = Raw::channel(&server.url).await;
    let whole = bytes::message(1, "kept", "one").raw(bytes::message(1, "kept", "two"));
    cut.send(whole.raw(bytes::publish(1, "kept"))).await;
    cut.hang_up().await;
    watcher.until_ready("kept", |count| count == 2).await;
}

#[tokio::test]
async fn a_delivery_that_was_cut_short_comes_again() {
    const LENGTH: usize = 4 << 20;
    for server in servers().await {
        let mut bystander = Bystander::at(&server.url).await;
        let mut publisher = Raw::publisher(&server.url, "large").await;
        publisher.send(bytes::publish(1, "large").raw(bytes::header(1, LENGTH as u64))).await;
        for part in vec![b'x'; LENGTH].chunks(100_000) {
            publisher.send(bytes::body(1, part)).await;
        }
        publisher.input.confirmed(1).await;
        let mut cut = Raw::consumer(&server.url, "large").await;
        cut.input.delivered(1).await;
        drop(cut);
        publisher.until_ready("large", |count| count == 1).await;
        publisher.send(bytes::get(1, "large")).await;
        let got = publisher.expect(GET_OK).await;
        assert_eq!(got[8], 1, "{}: it is marked as redelivered", server.name);
        let mut received = 0;
        assert_eq!(publisher.frame().await.expect("a header").kind, bytes::HEADER);
        while received < LENGTH {
            received += publisher.frame().await.expect("a part of the body").payload.len();
        }
        bystander.lives().await;
    }
}

#[tokio::test]
async fn a_cut_connection_takes_its_queues_and_consumers_along() {
    for server in servers().await {
        let mut bystander = Bystander::at(&server.url).await;
        for _ in 0..50 {
            let mut cut = Raw::channel(&server.url).await;
            // exclusive
            let declare = bytes::Bytes::new().u16(0).short("mine").u8(4).long([]);
            cut.send(bytes::method(1, bytes::QUEUE_DECLARE, declare)).await;
            cut.expect(bytes::QUEUE_DECLARE_OK).await;
            cut.send(bytes::consume(1, "mine").raw(bytes::message(1, "mine", "x"))).await;
            cut.expect(bytes::CONSUME_OK).await;
            cut.hang_up().await;
            // for the next one the name is free again
            eventually("the queue's end", Duration::from_secs(20), async || {
                let mut raw = Raw::channel(&server.url).await;
                raw.send(bytes::queue_declare_passive(1, "mine")).await;
                (raw.refusal().await.no == super::No::Channel(404)).then_some(())
            })
            .await;
        }
        bystander.lives().await;
    }
}
