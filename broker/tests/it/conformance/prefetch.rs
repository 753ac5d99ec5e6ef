//! How much a consumer is given before it acknowledges.

use lapin::options::{BasicAckOptions, BasicQosOptions};

use crate::client::{
    Client, bodies, body, consume, get, holds, next, pending, prefetch, put, queue, table, text,
};
use crate::servers::servers;

const KINDS: [&str; 2] = ["classic", "quorum"];

#[tokio::test]
async fn a_consumer_holds_no_more_than_its_prefetch() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for kind in KINDS {
            let channel = client.confirming().await;
            queue(&channel, kind, [("x-queue-type", text(kind))]).await;
            prefetch(&channel, 2).await;
            let mut consumer = consume(&channel, kind).await;
            put(&channel, kind, ["a", "b", "c", "d", "e"]).await;
            let [a, b] = [next(&mut consumer).await, next(&mut consumer).await];
            assert!(pending(&channel, &mut consumer).await.is_empty(), "{server}, {kind}");
            holds(&channel, kind, 3).await;
            a.ack(BasicAckOptions::default()).await.expect("acknowledged");
            assert_eq!(bodies(&mut consumer, 1).await, ["c"], "{server}, {kind}");
            assert!(pending(&channel, &mut consumer).await.is_empty(), "{server}, {kind}");
            // giving up makes room as well
            b.nack(Default::default()).await.expect("given up");
            assert_eq!(bodies(&mut consumer, 1).await, ["d"], "{server}, {kind}");
            assert!(pending(&channel, &mut consumer).await.is_empty(), "{server}, {kind}");
        }
    }
}

#[tokio::test]
async fn each_consumer_of_a_channel_has_a_prefetch_of_its_own() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for kind in KINDS {
            let channel = client.confirming().await;
            queue(&channel, kind, [("x-queue-type", text(kind))]).await;
            prefetch(&channel, 1).await;
            let mut consumers = [consume(&channel, kind).await, consume(&channel, kind).await];
            put(&channel, kind, ["a", "b", "c"]).await;
            holds(&channel, kind, 1).await;
            let mut got = Vec::new();
            for consumer in &mut consumers {
                got.extend(bodies(consumer, 1).await);
                assert!(pending(&channel, consumer).await.is_empty(), "{server}, {kind}");
            }
            got.sort();
            assert_eq!(got, ["a", "b"], "{server}, {kind}");
        }
    }
}

#[tokio::test]
async fn a_new_prefetch_is_for_new_consumers() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for kind in KINDS {
            let channel = client.confirming().await;
            for name in ["before", "after"] {
                queue(&channel, &format!("{name}-{kind}"), [("x-queue-type", text(kind))]).await;
                put(&channel, &format!("{name}-{kind}"), ["a", "b", "c", "d"]).await;
            }
            prefetch(&channel, 1).await;
            let mut before = consume(&channel, &format!("before-{kind}")).await;
            prefetch(&channel, 3).await;
            let mut after = consume(&channel, &format!("after-{kind}")).await;
            assert_eq!(bodies(&mut after, 3).await, ["a", "b", "c"], "{server}, {kind}");
            assert!(pending(&channel, &mut after).await.is_empty(), "{server}, {kind}");
            assert_eq!(bodies(&mut before, 1).await, ["a"], "{server}, {kind}");
            assert!(pending(&channel, &mut before).await.is_empty(), "{server}, {kind}");
        }
    }
}

#[tokio::test]
async fn without_a_prefetch_a_consumer_gets_all() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for kind in KINDS {
            let channel = client.confirming().await;
            queue(&channel, kind, [("x-queue-type", text(kind))]).await;
            let all: Vec<String> = (0..300).map(|number| number.to_string()).collect();
            for message in &all {
                put(&channel, kind, [message.as_str()]).await;
            }
            // zero is no limit, too
            prefetch(&channel, 5).await;
            prefetch(&channel, 0).await;
            let mut consumer = consume(&channel, kind).await;
            assert_eq!(bodies(&mut consumer, 300).await, all, "{server}, {kind}");
        }
    }
}

#[tokio::test]
async fn one_acknowledgement_of_several_makes_room_for_as_many() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for kind in KINDS {
            let channel = client.confirming().await;
            queue(&channel, kind, [("x-queue-type", text(kind))]).await;
            put(&channel, kind, ["a", "b", "c", "d", "e", "f", "g"]).await;
            prefetch(&channel, 3).await;
            let mut consumer = consume(&channel, kind).await;
            bodies(&mut consumer, 2).await;
            next(&mut consumer).await.ack(BasicAckOptions { multiple: true }).await.expect("all three");
            assert_eq!(bodies(&mut consumer, 3).await, ["d", "e", "f"], "{server}, {kind}");
            assert!(pending(&channel, &mut consumer).await.is_empty(), "{server}, {kind}");
        }
    }
}

#[tokio::test]
async fn messages_that_are_got_do_not_count() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        queue(&channel, "in-tray", []).await;
        put(&channel, "in-tray", ["a", "b", "c"]).await;
        prefetch(&channel, 1).await;
        let got = get(&channel, "in-tray").await.expect("a message");
        let mut consumer = consume(&channel, "in-tray").await;
        assert_eq!(bodies(&mut consumer, 1).await, ["b"], "{server}");
        assert_eq!(body(&get(&channel, "in-tray").await.expect("a message")), "c", "{server}");
        drop(got);
    }
}

#[tokio::test]
async fn a_prefetch_for_a_whole_channel_is_nothing_for_quorum_queues() {
    for server in servers().await {
        let client = Client::of(&server).await;
        queue(&client.channel().await, "solid", [("x-queue-type", text("quorum"))]).await;
        let said = client
            .outcome(async |channel| {
                channel.basic_qos(10, BasicQosOptions { global: true }).await?;
                channel.basic_consume("solid".into(), "".into(), Default::default(), table([])).await
            })
            .await;
        // RabbitMQ refuses the consumer; who has no such prefetch at all may refuse that
        assert!(said.starts_with("connection 540 NOT_IMPLEMENTED - "), "{server}: {said}");
        if server.name == "RabbitMQ" {
            let text = "queue 'solid' in vhost '/' does not support global qos";
            assert!(said.ends_with(text), "{said}");
        }
    }
}
