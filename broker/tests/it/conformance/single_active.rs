//! Queues of which one consumer at a time is active, and the others wait for its end.

use lapin::options::{BasicAckOptions, BasicConsumeOptions};
use lapin::types::AMQPValue;
use lapin::{Channel, Consumer};

use crate::client::{
    Client, bodies, body, consume, consume_with, holds, look, next, pending, prefetch, put, queue, table,
    text,
};
use crate::servers::servers;

const KINDS: [&str; 2] = ["classic", "quorum"];

fn arguments(kind: &str) -> [(&'static str, AMQPValue); 2] {
    [("x-queue-type", text(kind)), ("x-single-active-consumer", true.into())]
}

async fn named(channel: &Channel, queue: &str, tag: &str) -> Consumer {
    consume_with(channel, queue, tag, BasicConsumeOptions::default(), table([])).await
}

#[tokio::test]
async fn the_first_consumer_gets_all_and_the_next_one_what_comes_after_its_end() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for kind in KINDS {
            let channel = client.confirming().await;
            queue(&channel, kind, arguments(kind)).await;
            let mut consumers = [
                named(&channel, kind, "first").await,
                named(&channel, kind, "second").await,
                named(&channel, kind, "third").await,
            ];
            put(&channel, kind, ["a", "b", "c"]).await;
            assert_eq!(bodies(&mut consumers[0], 3).await, ["a", "b", "c"], "{server}, {kind}");
            for idle in &mut consumers[1..] {
                assert!(pending(&channel, idle).await.is_empty(), "{server}, {kind}");
            }
            if kind == "classic" {
                // RabbitMQ's quorum queues count the active one alone
                assert_eq!(look(&channel, kind).await.expect("the queue").consumer_count(), 3, "{server}");
            }
            channel.basic_ack(0, BasicAckOptions { multiple: true }).await.expect("all");

            // they follow in the order in which they came
            for (ended, active) in [("first", 1), ("second", 2)] {
                channel.basic_cancel(ended.into(), Default::default()).await.expect("cancelled");
                put(&channel, kind, [ended]).await;
                let delivery = next(&mut consumers[active]).await;
                assert_eq!(body(&delivery), ended, "{server}, {kind}");
                delivery.ack(BasicAckOptions::default()).await.expect("acknowledged");
            }
        }
    }
}

#[tokio::test]
async fn what_the_active_one_did_not_acknowledge_goes_to_the_next_one_when_its_channel_ends() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for kind in KINDS {
            let [first, second] = [client.channel().await, client.confirming().await];
            queue(&second, kind, arguments(kind)).await;
            let mut active = consume(&first, kind).await;
            let mut waits = consume(&second, kind).await;
            put(&second, kind, ["a", "b"]).await;
            assert_eq!(bodies(&mut active, 2).await, ["a", "b"], "{server}, {kind}");
            assert!(pending(&second, &mut waits).await.is_empty(), "{server}, {kind}");
            first.close(200, "done".into()).await.expect("closed");
            for expected in ["a", "b"] {
                let delivery = next(&mut waits).await;
                assert_eq!(
                    (body(&delivery).as_str(), delivery.redelivered),
                    (expected, true),
                    "{server}, {kind}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_consumer_that_holds_all_it_may_is_active_still() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for kind in KINDS {
            let channel = client.confirming().await;
            queue(&channel, kind, arguments(kind)).await;
            prefetch(&channel, 1).await;
            let mut active = consume(&channel, kind).await;
            let mut waits = consume(&channel, kind).await;
            put(&channel, kind, ["a", "b"]).await;
            let first = next(&mut active).await;
            holds(&channel, kind, 1).await;
            assert!(pending(&channel, &mut waits).await.is_empty(), "{server}, {kind}");
            first.ack(BasicAckOptions::default()).await.expect("acknowledged");
            assert_eq!(bodies(&mut active, 1).await, ["b"], "{server}, {kind}");
        }
    }
}

#[tokio::test]
async fn such_a_queue_has_no_exclusive_consumers() {
    for server in servers().await {
        let client = Client::of(&server).await;
        queue(&client.channel().await, "one-by-one", arguments("classic")).await;
        let options = BasicConsumeOptions { exclusive: true, ..Default::default() };
        let said = client
            .outcome(async |channel| {
                channel.basic_consume("one-by-one".into(), "".into(), options, table([])).await
            })
            .await;
        let text = "channel 403 ACCESS_REFUSED - queue 'one-by-one' in vhost '/' in exclusive use";
        assert_eq!(said, text, "{server}");
    }
}
