//! Consumers: what they are given, and how they end.

use amq_protocol::protocol::{AMQPClass, basic};
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::{BasicProperties, Channel, Consumer};

use crate::client::{
    ALLOWED, Client, bodies, body, consume, consume_with, get, holds, look, next, over, pending, prefetch,
    publish, put, queue, table, text, waiting,
};
use crate::servers::servers;
use crate::wire::Wire;

fn options() -> BasicConsumeOptions {
    BasicConsumeOptions::default()
}

const EXCLUSIVE: BasicConsumeOptions =
    BasicConsumeOptions { no_local: false, no_ack: false, exclusive: true, nowait: false };
const NO_ACK: BasicConsumeOptions =
    BasicConsumeOptions { no_local: false, no_ack: true, exclusive: false, nowait: false };

#[tokio::test]
async fn a_consumer_gets_what_waits_and_what_comes_in_order() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        for kind in ["classic", "quorum"] {
            queue(&channel, kind, [("x-queue-type", text(kind))]).await;
            put(&channel, kind, ["a", "b", "c"]).await;
            let mut consumer = consume(&channel, kind).await;
            put(&channel, kind, ["d"]).await;
            for expected in ["a", "b", "c", "d"] {
                let delivery = next(&mut consumer).await;
                assert_eq!(body(&delivery), expected, "{server}, {kind}");
                assert!(!delivery.redelivered, "{server}, {kind}");
                assert_eq!(
                    (delivery.exchange.as_str(), delivery.routing_key.as_str()),
                    ("", kind),
                    "{server}"
                );
                delivery.ack(Default::default()).await.expect("acknowledged");
            }
        }
    }
}

#[tokio::test]
async fn delivery_tags_count_on_one_channel_over_all_its_consumers() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        let mut tags = Vec::new();
        for (name, number) in [("one", 1), ("two", 2)] {
            queue(&channel, name, []).await;
            put(&channel, name, ["a"]).await;
            let mut consumer = consume(&channel, name).await;
            tags.push(next(&mut consumer).await.delivery_tag);
            assert_eq!(tags.last(), Some(&number), "{server}");
        }
        put(&channel, "one", ["b"]).await;
        let other = client.channel().await;
        assert_eq!(get(&other, "two").await.map(|message| message.delivery_tag), None, "{server}");
    }
}

#[tokio::test]
async fn the_server_makes_up_a_tag_where_the_client_has_none() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.channel().await;
        queue(&channel, "in-tray", []).await;
        let [one, two] = [consume(&channel, "in-tray").await, consume(&channel, "in-tray").await];
        assert!(one.tag().as_str().starts_with("amq.ctag-"), "{server}: {:?}", one.tag());
        assert_ne!(one.tag(), two.tag(), "{server}");
        let named = consume_with(&channel, "in-tray", "mine", options(), table([])).await;
        assert_eq!(named.tag().as_str(), "mine", "{server}");
    }
}

#[tokio::test]
async fn a_tag_names_one_consumer_of_a_channel() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.channel().await;
        queue(&channel, "in-tray", []).await;
        let _elsewhere = consume_with(&channel, "in-tray", "mine", options(), table([])).await;
        let mine = async |channel: &Channel| {
            channel.basic_consume("in-tray".into(), "mine".into(), options(), table([])).await
        };
        // on another channel it names another
        let said = client.outcome(mine).await;
        assert_eq!(said, ALLOWED, "{server}");
        let said = client
            .outcome(async |channel| {
                let first = mine(channel).await?;
                Ok((first, mine(channel).await))
            })
            .await;
        assert_eq!(said, "connection 530 NOT_ALLOWED - attempt to reuse consumer tag 'mine'", "{server}");
    }
}

#[tokio::test]
async fn a_cancelled_consumer_gets_nothing_more_and_keeps_what_it_has() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        for kind in ["classic", "quorum"] {
            queue(&channel, kind, [("x-queue-type", text(kind))]).await;
            put(&channel, kind, ["a"]).await;
            let mut consumer = consume_with(&channel, kind, kind, options(), table([])).await;
            let delivery = next(&mut consumer).await;
            channel.basic_cancel(kind.into(), BasicCancelOptions::default()).await.expect("cancelled");
            over(&mut consumer).await;
            put(&channel, kind, ["b"]).await;
            let seen = look(&channel, kind).await.expect("the queue");
            assert_eq!(seen.message_count(), 1, "{server}, {kind}");
            if kind == "classic" {
                // RabbitMQ's quorum queues count it until it has settled all
                assert_eq!(seen.consumer_count(), 0, "{server}");
            }
            assert!(delivery.ack(Default::default()).await.expect("acknowledged"), "{server}, {kind}");
            let left = get(&channel, kind).await.expect("the other");
            assert_eq!((body(&left).as_str(), left.redelivered), ("b", false), "{server}, {kind}");
        }
    }
}

#[tokio::test]
async fn cancelling_a_consumer_that_is_not_there_is_no_failure() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let said = client
            .outcome(async |channel| {
                channel.basic_cancel("nobody".into(), BasicCancelOptions::default()).await
            })
            .await;
        assert_eq!(said, ALLOWED, "{server}");
    }
}

#[tokio::test]
async fn an_exclusive_consumer_is_the_only_one() {
    // of a classic queue: RabbitMQ's quorum queues and streams let others in
    for server in servers().await {
        let client = Client::of(&server).await;
        let outcome = async |options| {
            client
                .outcome(async |channel| {
                    channel.basic_consume("in-tray".into(), "".into(), options, table([])).await
                })
                .await
        };
        let text = "channel 403 ACCESS_REFUSED - queue 'in-tray' in vhost '/' in exclusive use";
        let channel = client.confirming().await;
        queue(&channel, "in-tray", []).await;
        let only = consume_with(&channel, "in-tray", "only", EXCLUSIVE, table([])).await;
        for options in [options(), EXCLUSIVE] {
            assert_eq!(outcome(options).await, text, "{server}");
        }
        // it keeps away consumers, and nothing else
        assert!(get(&client.channel().await, "in-tray").await.is_none(), "{server}");
        channel.basic_cancel("only".into(), BasicCancelOptions::default()).await.expect("cancelled");
        drop(only);

        let _shared = consume(&channel, "in-tray").await;
        assert_eq!(outcome(EXCLUSIVE).await, text, "{server}: it would not be the only one");
        assert_eq!(outcome(options()).await, ALLOWED, "{server}");
    }
}

#[tokio::test]
async fn consumers_are_told_when_their_queue_is_deleted() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.channel().await;
        for kind in ["classic", "quorum", "stream"] {
            queue(&channel, kind, [("x-queue-type", text(kind))]).await;
            let mut wire = Wire::open_channel(&server).await;
            let qos = basic::Qos { prefetch_count: 1, global: false };
            wire.send(1, AMQPClass::Basic(basic::AMQPMethod::Qos(qos))).await;
            wire.next_method().await.expect("a prefetch");
            let consume = basic::Consume {
                queue: kind.into(),
                consumer_tag: "mine".into(),
                no_local: false,
                no_ack: false,
                exclusive: false,
                nowait: false,
                arguments: table([]),
            };
            wire.send(1, AMQPClass::Basic(basic::AMQPMethod::Consume(consume))).await;
            wire.next_method().await.expect("a consumer");
            channel.queue_delete(kind.into(), QueueDeleteOptions::default()).await.expect("deleted");
            let method = wire.next_method().await;
            let Some((1, AMQPClass::Basic(basic::AMQPMethod::Cancel(cancel)))) = method else {
                panic!("{server}, {kind}: {method:?}");
            };
            assert_eq!(cancel.consumer_tag.as_str(), "mine", "{server}, {kind}");
            // an answer would be for somebody who asks
            assert!(cancel.nowait, "{server}, {kind}");
            // the channel goes on, and the tag is free
            wire.send(
                1,
                AMQPClass::Basic(basic::AMQPMethod::Qos(basic::Qos { prefetch_count: 1, global: false })),
            )
            .await;
            let method = wire.next_method().await;
            assert!(matches!(method, Some((1, AMQPClass::Basic(_)))), "{server}, {kind}: {method:?}");
        }
    }
}

#[tokio::test]
async fn a_consumer_without_acknowledgements_is_owed_none() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for kind in ["classic", "quorum"] {
            let channel = client.confirming().await;
            queue(&channel, kind, [("x-queue-type", text(kind))]).await;
            put(&channel, kind, ["a", "b"]).await;
            // a prefetch counts what is not acknowledged, so it means nothing here
            prefetch(&channel, 1).await;
            let mut consumer = consume_with(&channel, kind, "", NO_ACK, table([])).await;
            let [first, second] = [next(&mut consumer).await, next(&mut consumer).await];
            assert_eq!((body(&first), body(&second)), ("a".to_owned(), "b".to_owned()), "{server}, {kind}");
            channel.basic_cancel(consumer.tag(), Default::default()).await.expect("cancelled");
            channel.close(200, "done".into()).await.expect("closed");
            assert_eq!(waiting(&client.channel().await, kind).await, 0, "{server}, {kind}");
            let said = client
                .outcome(async |channel| {
                    let mut consumer =
                        channel.basic_consume(kind.into(), "".into(), NO_ACK, table([])).await?;
                    put(&client.confirming().await, kind, ["c"]).await;
                    let delivery = next(&mut consumer).await;
                    channel.basic_ack(delivery.delivery_tag, Default::default()).await?;
                    Ok(consumer)
                })
                .await;
            let text = "channel 406 PRECONDITION_FAILED - unknown delivery tag 1";
            assert_eq!(said, text, "{server}, {kind}");
        }
    }
}

#[tokio::test]
async fn no_local_is_ignored() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        queue(&channel, "in-tray", []).await;
        let options = BasicConsumeOptions { no_local: true, ..options() };
        let mut consumer = consume_with(&channel, "in-tray", "", options, table([])).await;
        put(&channel, "in-tray", ["mine"]).await;
        assert_eq!(body(&next(&mut consumer).await), "mine", "{server}");
    }
}

#[tokio::test]
async fn consumers_take_turns() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for kind in ["classic", "quorum"] {
            let channel = client.confirming().await;
            queue(&channel, kind, [("x-queue-type", text(kind))]).await;
            prefetch(&channel, 4).await;
            let mut consumers: Vec<Consumer> = Vec::new();
            for _ in 0..3 {
                consumers.push(consume(&channel, kind).await);
            }
            put(&channel, kind, ["a", "b", "c", "d", "e", "f"]).await;
            let mut all = Vec::new();
            for consumer in &mut consumers {
                let share = bodies(consumer, 2).await;
                assert!(share.is_sorted(), "{server}, {kind}: {share:?}");
                all.extend(share);
            }
            all.sort();
            assert_eq!(all, ["a", "b", "c", "d", "e", "f"], "{server}, {kind}");
        }
    }
}

#[tokio::test]
async fn a_message_goes_to_one_consumer_of_a_queue_and_to_each_queue() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        for name in ["one", "two"] {
            queue(&channel, name, []).await;
            let bound = channel.queue_bind(
                name.into(),
                "amq.fanout".into(),
                "".into(),
                Default::default(),
                table([]),
            );
            bound.await.expect("bound");
        }
        let mut at_one = [consume(&channel, "one").await, consume(&channel, "one").await];
        let mut at_two = consume(&channel, "two").await;
        publish(&channel, "amq.fanout", "", "hello", BasicProperties::default()).await;
        assert_eq!(bodies(&mut at_two, 1).await, ["hello"], "{server}");
        holds(&channel, "one", 0).await;
        let mut got = Vec::new();
        for consumer in &mut at_one {
            got.extend(pending(&channel, consumer).await);
        }
        assert_eq!(got, ["hello"], "{server}");
    }
}

#[tokio::test]
async fn what_was_not_acknowledged_comes_back_when_its_channel_or_connection_ends() {
    for server in servers().await {
        for kind in ["classic", "quorum"] {
            let client = Client::of(&server).await;
            let other = client.confirming().await;
            queue(&other, kind, [("x-queue-type", text(kind))]).await;
            put(&other, kind, ["a", "b", "c", "d"]).await;

            let channel = client.channel().await;
            prefetch(&channel, 3).await;
            let mut consumer = consume(&channel, kind).await;
            let [a, _b, _c] =
                [next(&mut consumer).await, next(&mut consumer).await, next(&mut consumer).await];
            a.ack(Default::default()).await.expect("acknowledged");
            // the last one takes the place of the first
            next(&mut consumer).await;
            channel.close(200, "done".into()).await.expect("closed");
            holds(&other, kind, 3).await;

            let second = Client::of(&server).await;
            let mut consumer = consume(&second.channel().await, kind).await;
            let mut again = Vec::new();
            for _ in 0..3 {
                let delivery = next(&mut consumer).await;
                assert!(delivery.redelivered, "{server}, {kind}");
                again.push(body(&delivery));
            }
            assert_eq!(again, ["b", "c", "d"], "{server}, {kind}: in their places");
            second.close().await;
            holds(&other, kind, 3).await;
        }
    }
}

#[tokio::test]
async fn what_a_client_holds_that_vanishes_comes_back() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        for kind in ["classic", "quorum"] {
            queue(&channel, kind, [("x-queue-type", text(kind))]).await;
            put(&channel, kind, ["a"]).await;
            let mut wire = Wire::open_channel(&server).await;
            let get = basic::Get { queue: kind.into(), no_ack: false };
            wire.send(1, AMQPClass::Basic(basic::AMQPMethod::Get(get))).await;
            let method = wire.next_method().await;
            let Some((1, AMQPClass::Basic(basic::AMQPMethod::GetOk(_)))) = method else {
                panic!("{server}, {kind}: {method:?}");
            };
            // without a word
            drop(wire);
            let mut consumer = consume(&channel, kind).await;
            let delivery = next(&mut consumer).await;
            assert_eq!((body(&delivery).as_str(), delivery.redelivered), ("a", true), "{server}, {kind}");
        }
    }
}

#[tokio::test]
async fn one_channel_consumes_from_queues_that_come_and_go() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        for round in 0..20 {
            let options = QueueDeclareOptions::exclusive();
            let declared = channel.queue_declare("".into(), options, table([])).await.expect("a queue");
            let name = declared.name().as_str();
            let mut consumer = consume_with(&channel, name, "mine", NO_ACK, table([])).await;
            put(&channel, name, ["hello"]).await;
            assert_eq!(bodies(&mut consumer, 1).await, ["hello"], "{server}, round {round}");
            channel.queue_delete(name.into(), QueueDeleteOptions::default()).await.expect("deleted");
            over(&mut consumer).await;
        }
    }
}
