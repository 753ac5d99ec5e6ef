//! Queues that are full.

use std::cell::Cell;

use lapin::options::QueueBindOptions;
use lapin::types::AMQPValue;
use lapin::{BasicProperties, Confirmation};

use crate::client::{
    Client, DEADLINE, GIVE_BACK, bodies, body, consume, drain, get, holds, next, number, prefetch, publish,
    put, queue, table, text, waiting,
};
use crate::servers::servers;

fn full_at(messages: i64) -> (&'static str, AMQPValue) {
    ("x-max-length", number(messages))
}

fn overflow(how: &str) -> (&'static str, AMQPValue) {
    ("x-overflow", text(how))
}

#[tokio::test]
async fn the_oldest_makes_room() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        for kind in ["classic", "quorum"] {
            queue(&channel, kind, [("x-queue-type", text(kind)), full_at(2)]).await;
            put(&channel, kind, ["a", "b", "c", "d"]).await;
            holds(&channel, kind, 2).await;
            assert_eq!(drain(&channel, kind).await, ["c", "d"], "{server}, {kind}");
        }
        queue(&channel, "said", [full_at(1), overflow("drop-head")]).await;
        put(&channel, "said", ["a", "b"]).await;
        assert_eq!(drain(&channel, "said").await, ["b"], "{server}");
    }
}

#[tokio::test]
async fn what_is_out_with_a_consumer_takes_no_room() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        queue(&channel, "small", [full_at(1)]).await;
        put(&channel, "small", ["a"]).await;
        let out = get(&channel, "small").await.expect("a message");
        put(&channel, "small", ["b"]).await;
        assert_eq!(waiting(&channel, "small").await, 1, "{server}");
        // given back it is one too many, and the oldest
        out.nack(GIVE_BACK).await.expect("back");
        put(&channel, "small", ["c"]).await;
        assert_eq!(drain(&channel, "small").await, ["c"], "{server}");
    }
}

#[tokio::test]
async fn a_queue_without_room_delivers_to_who_waits() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        queue(&channel, "none", [full_at(0)]).await;
        put(&channel, "none", ["missed"]).await;
        assert_eq!(waiting(&channel, "none").await, 0, "{server}");
        let mut consumer = consume(&channel, "none").await;
        put(&channel, "none", ["caught"]).await;
        assert_eq!(bodies(&mut consumer, 1).await, ["caught"], "{server}");
    }
}

#[tokio::test]
async fn the_newest_is_refused() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        for how in ["reject-publish", "reject-publish-dlx"] {
            queue(&channel, how, [full_at(2), overflow(how)]).await;
            put(&channel, how, ["a", "b"]).await;
            for _ in 0..2 {
                let confirmed = publish(&channel, "", how, "c", BasicProperties::default()).await;
                assert_eq!(confirmed, Confirmation::Nack(None), "{server}, {how}");
            }
            let first = get(&channel, how).await.expect("a message");
            assert_eq!(body(&first), "a", "{server}, {how}");
            put(&channel, how, ["d"]).await;
            assert_eq!(drain(&channel, how).await, ["b", "d"], "{server}, {how}");
        }
    }
}

#[tokio::test]
async fn a_full_quorum_queue_refuses_in_the_end() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        queue(&channel, "solid", [("x-queue-type", text("quorum")), full_at(2), overflow("reject-publish")])
            .await;
        // RabbitMQ tells the channels that it is full a moment after it is: one or two more may pass
        let taken = Cell::new(0);
        testkit::eventually("a refusal", DEADLINE, async || {
            match publish(&channel, "", "solid", "a", BasicProperties::default()).await {
                Confirmation::Nack(None) => Some(()),
                confirmed => {
                    assert_eq!(confirmed, Confirmation::Ack(None), "{server}");
                    taken.set(taken.get() + 1);
                    None
                }
            }
        })
        .await;
        let taken = taken.get();
        assert!((2..10).contains(&taken), "{server} took {taken}");
        assert_eq!(waiting(&channel, "solid").await, taken, "{server}");
        drain(&channel, "solid").await;
        testkit::eventually("room again", DEADLINE, async || {
            let confirmed = publish(&channel, "", "solid", "b", BasicProperties::default()).await;
            (confirmed == Confirmation::Ack(None)).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn bytes_are_those_of_bodies() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        for kind in ["classic", "quorum"] {
            queue(&channel, kind, [("x-queue-type", text(kind)), ("x-max-length-bytes", number(10))]).await;
            let headers = table([("long", text(&"header".repeat(100)))]);
            for body in ["aaaa", "bbbb", "cc"] {
                publish(&channel, "", kind, body, BasicProperties::default().with_headers(headers.clone()))
                    .await;
            }
            assert_eq!(waiting(&channel, kind).await, 3, "{server}, {kind}: ten in all");
            put(&channel, kind, ["d"]).await;
            holds(&channel, kind, 3).await;
            assert_eq!(drain(&channel, kind).await, ["bbbb", "cc", "d"], "{server}, {kind}");
            // one that is larger than all the room finds none
            put(&channel, kind, ["eeeeeeeeeee"]).await;
            holds(&channel, kind, 0).await;
        }
        queue(&channel, "strict", [("x-max-length-bytes", number(10)), overflow("reject-publish")]).await;
        put(&channel, "strict", ["aaaaaaaaaa"]).await;
        let confirmed = publish(&channel, "", "strict", "b", BasicProperties::default()).await;
        assert_eq!(confirmed, Confirmation::Nack(None), "{server}");
    }
}

#[tokio::test]
async fn a_refusal_of_one_queue_is_a_refusal_though_others_took_it() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        queue(&channel, "small", [full_at(1), overflow("reject-publish")]).await;
        queue(&channel, "large", []).await;
        for name in ["small", "large"] {
            let options = QueueBindOptions::default();
            let bound = channel.queue_bind(name.into(), "amq.fanout".into(), "".into(), options, table([]));
            bound.await.expect("bound");
        }
        for expected in [Confirmation::Ack(None), Confirmation::Nack(None)] {
            let confirmed = publish(&channel, "amq.fanout", "", "a", BasicProperties::default()).await;
            assert_eq!(confirmed, expected, "{server}");
        }
        assert_eq!(drain(&channel, "small").await.len(), 1, "{server}");
        assert_eq!(drain(&channel, "large").await.len(), 2, "{server}");
    }
}

#[tokio::test]
async fn a_consumer_that_keeps_up_never_misses_one() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        queue(&channel, "small", [full_at(1)]).await;
        prefetch(&channel, 1).await;
        let mut consumer = consume(&channel, "small").await;
        for expected in ["a", "b", "c", "d"] {
            put(&channel, "small", [expected]).await;
            let delivery = next(&mut consumer).await;
            assert_eq!(body(&delivery), expected, "{server}");
            delivery.ack(Default::default()).await.expect("acknowledged");
        }
    }
}
