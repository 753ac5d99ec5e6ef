//! Streams: messages that stay when they were read, and readers that begin where they like.

use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicGetOptions, BasicNackOptions, BasicRejectOptions,
    QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Consumer};

use crate::client::{
    ALLOWED, Client, assert_one_of, bodies, body, consume_with, header, look, next, number, over, pending,
    prefetch, publish, put, queue, round_trip, table, text,
};
use crate::servers::servers;

/// Declares a stream.
async fn stream(channel: &Channel, name: &str) {
    queue(channel, name, [("x-queue-type", text("stream"))]).await;
}

fn from(offset: AMQPValue) -> FieldTable {
    table([("x-stream-offset", offset)])
}

/// A reader on a channel of its own, with a prefetch.
async fn read(client: &Client, stream: &str, arguments: FieldTable, count: u16) -> (Channel, Consumer) {
    let channel = client.channel().await;
    prefetch(&channel, count).await;
    let reader = consume_with(&channel, stream, "", BasicConsumeOptions::default(), arguments).await;
    (channel, reader)
}

fn offset(delivery: &Delivery) -> i64 {
    match header(delivery, "x-stream-offset") {
        Some(AMQPValue::LongLongInt(offset)) => *offset,
        other => panic!("no offset: {other:?}"),
    }
}

/// The next messages of a reader, with their offsets.
async fn numbered(reader: &mut Consumer, count: usize) -> Vec<(i64, String)> {
    let mut messages = Vec::new();
    for _ in 0..count {
        let delivery = next(reader).await;
        messages.push((offset(&delivery), body(&delivery)));
    }
    messages
}

fn expected<const N: usize>(messages: [(i64, &str); N]) -> Vec<(i64, String)> {
    messages.map(|(offset, body)| (offset, body.to_owned())).into()
}

#[tokio::test]
async fn each_reader_gets_all_from_where_it_begins_with_their_offsets() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        stream(&channel, "log").await;
        put(&channel, "log", ["a", "b", "c", "d"]).await;
        let (_first, mut first) = read(&client, "log", from(text("first")), 10).await;
        let (_middle, mut middle) = read(&client, "log", from(number(2)), 10).await;
        // read by one, they are there for the others
        let all = expected([(0, "a"), (1, "b"), (2, "c"), (3, "d")]);
        assert_eq!(numbered(&mut first, 4).await, all, "{server}");
        assert_eq!(numbered(&mut middle, 2).await, all[2..], "{server}");
        put(&channel, "log", ["e"]).await;
        for reader in [&mut first, &mut middle] {
            assert_eq!(numbered(reader, 1).await, expected([(4, "e")]), "{server}");
        }
    }
}

#[tokio::test]
async fn a_reader_begins_with_what_comes_next_unless_it_says_otherwise() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        stream(&channel, "log").await;
        put(&channel, "log", ["a", "b", "c"]).await;
        let (_next, mut next) = read(&client, "log", from(text("next")), 10).await;
        let (_unsaid, mut unsaid) = read(&client, "log", table([]), 10).await;
        // `last` is the last thing that was written at once
        let (_last, mut last) = read(&client, "log", from(text("last")), 10).await;
        assert_eq!(numbered(&mut last, 1).await, expected([(2, "c")]), "{server}");
        put(&channel, "log", ["d"]).await;
        for reader in [&mut next, &mut unsaid, &mut last] {
            assert_eq!(numbered(reader, 1).await, expected([(3, "d")]), "{server}");
        }
    }
}

#[tokio::test]
async fn an_offset_that_is_not_reached_yet_is_waited_for() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        stream(&channel, "log").await;
        put(&channel, "log", ["a"]).await;
        let (reading, mut reader) = read(&client, "log", from(number(3)), 10).await;
        put(&channel, "log", ["b", "c"]).await;
        assert!(pending(&reading, &mut reader).await.is_empty(), "{server}");
        put(&channel, "log", ["d", "e"]).await;
        assert_eq!(numbered(&mut reader, 2).await, expected([(3, "d"), (4, "e")]), "{server}");
    }
}

#[tokio::test]
async fn a_reader_may_begin_at_a_time() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        stream(&channel, "log").await;
        put(&channel, "log", ["a", "b"]).await;
        let (_past, mut past) = read(&client, "log", from(AMQPValue::Timestamp(1_600_000_000)), 10).await;
        assert_eq!(numbered(&mut past, 2).await, expected([(0, "a"), (1, "b")]), "{server}");
        // so long ago as well
        let (_interval, mut interval) = read(&client, "log", from(text("1h")), 10).await;
        assert_eq!(numbered(&mut interval, 2).await, expected([(0, "a"), (1, "b")]), "{server}");
        // a time that is yet to come is the next message, too
        let (_future, mut future) = read(&client, "log", from(AMQPValue::Timestamp(9_000_000_000)), 10).await;
        put(&channel, "log", ["c"]).await;
        assert_eq!(numbered(&mut future, 1).await, expected([(2, "c")]), "{server}");
    }
}

#[tokio::test]
async fn acknowledgements_only_make_room_for_more() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        stream(&channel, "log").await;
        put(&channel, "log", ["a", "b", "c", "d", "e", "f"]).await;
        let (reading, mut reader) = read(&client, "log", from(text("first")), 2).await;
        assert_eq!(bodies(&mut reader, 1).await, ["a"], "{server}");
        let b = next(&mut reader).await;
        assert!(pending(&reading, &mut reader).await.is_empty(), "{server}");
        b.ack(BasicAckOptions { multiple: true }).await.expect("both");
        assert_eq!(bodies(&mut reader, 1).await, ["c"], "{server}");
        next(&mut reader).await.ack(BasicAckOptions::default()).await.expect("d");
        assert_eq!(bodies(&mut reader, 1).await, ["e"], "{server}");
        assert!(pending(&reading, &mut reader).await.is_empty(), "{server}: c is open");
        reading.close(200, "done".into()).await.expect("closed");
        let (_again, mut again) = read(&client, "log", from(text("first")), 10).await;
        for expected in ["a", "b", "c", "d", "e", "f"] {
            let delivery = next(&mut again).await;
            assert_eq!((body(&delivery).as_str(), delivery.redelivered), (expected, false), "{server}");
        }
    }
}

#[tokio::test]
async fn a_stream_takes_nothing_back_and_throws_nothing_away() {
    for server in servers().await {
        let channel = Client::of(&server).await;
        let writer = channel.confirming().await;
        stream(&writer, "log").await;
        put(&writer, "log", ["a", "b", "c"]).await;
        for requeue in [true, false] {
            let client = Client::of(&server).await;
            let said = client
                .outcome(async |channel| {
                    prefetch(channel, 1).await;
                    let options = BasicConsumeOptions::default();
                    let consumed =
                        channel.basic_consume("log".into(), "".into(), options, from(text("first")));
                    let mut reader = consumed.await?;
                    next(&mut reader).await.nack(BasicNackOptions { multiple: true, requeue }).await?;
                    // where that is allowed, it is as good as an ack
                    if round_trip(channel).await.is_ok() {
                        assert_eq!(body(&next(&mut reader).await), "b", "{server}");
                        channel.basic_reject(2, BasicRejectOptions { requeue }).await?;
                        assert_eq!(body(&next(&mut reader).await), "c", "{server}");
                    }
                    Ok(reader)
                })
                .await;
            // RabbitMQ 4 allows it
            let text = "connection 540 NOT_IMPLEMENTED - basic.nack and basic.reject not supported by stream queues \
                        queue 'log' in vhost '/'";
            assert_one_of(&said, &[text, ALLOWED], &server);
        }
        let (_again, mut again) = read(&channel, "log", from(text("first")), 10).await;
        assert_eq!(bodies(&mut again, 3).await, ["a", "b", "c"], "{server}");
    }
}

#[tokio::test]
async fn a_reader_needs_a_prefetch_and_acknowledges() {
    for server in servers().await {
        let client = Client::of(&server).await;
        stream(&client.channel().await, "log").await;
        let no_ack = BasicConsumeOptions { no_ack: true, ..Default::default() };
        for options in [BasicConsumeOptions::default(), no_ack] {
            let said = client
                .outcome(async |channel| {
                    channel.basic_consume("log".into(), "".into(), options, table([])).await
                })
                .await;
            // the words of RabbitMQ 3 have a quotation mark too many
            let old = "consumer prefetch count is not set for 'queue 'log' in vhost '/''";
            let new = "consumer prefetch count is not set for stream queue 'log' in vhost '/'";
            let [old, new] = [old, new].map(|text| format!("channel 406 PRECONDITION_FAILED - {text}"));
            assert_one_of(&said, &[&old, &new], &server);
        }
        let said = client
            .outcome(async |channel| {
                prefetch(channel, 1).await;
                channel.basic_consume("log".into(), "".into(), no_ack, table([])).await
            })
            .await;
        let old = "automatic acknowledgement not supported by stream queues queue 'log' in vhost '/'";
        let new = "automatic acknowledgement not supported by stream queue 'log' in vhost '/'";
        let [old, new] = [old, new].map(|text| format!("connection 540 NOT_IMPLEMENTED - {text}"));
        assert_one_of(&said, &[&old, &new], &server);
    }
}

#[tokio::test]
async fn an_offset_must_make_sense_and_is_for_streams_alone() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.channel().await;
        stream(&channel, "log").await;
        queue(&channel, "queue", []).await;
        let consume = async |queue: &'static str, arguments: FieldTable| {
            client
                .outcome(async |channel| {
                    prefetch(channel, 1).await;
                    let options = BasicConsumeOptions::default();
                    channel.basic_consume(queue.into(), "".into(), options, arguments).await
                })
                .await
        };
        for kind in ["first", "last", "next", "1D", "2h", "30m", "10s"] {
            assert_eq!(consume("log", from(text(kind))).await, ALLOWED, "{server}, {kind}");
        }
        let said = consume("log", from(text("1x"))).await;
        let expected = "channel 406 PRECONDITION_FAILED - invalid arg 'x-stream-offset' for queue 'log' in vhost '/': \
                    {invalid_stream_offset_arg,{longstr,<<\"1x\">>}}";
        assert_eq!(said, expected, "{server}");
        let said = consume("queue", from(text("first"))).await;
        let expected = "channel 406 PRECONDITION_FAILED - invalid arg 'x-stream-offset' for queue 'queue' in vhost '/' \
                    of queue type rabbit_classic_queue";
        assert_eq!(said, expected, "{server}");
    }
}

#[tokio::test]
async fn nothing_is_got_from_a_stream_and_none_is_purged() {
    for server in servers().await {
        let client = Client::of(&server).await;
        stream(&client.channel().await, "log").await;
        let options = BasicGetOptions::default();
        let said = client.outcome(async |channel| channel.basic_get("log".into(), options).await).await;
        let text = "connection 540 NOT_IMPLEMENTED - basic.get not supported by stream queues queue 'log' in vhost '/'";
        assert_eq!(said, text, "{server}");
        let client = Client::of(&server).await;
        let said =
            client.outcome(async |channel| channel.queue_purge("log".into(), Default::default()).await).await;
        let text = "connection 540 NOT_IMPLEMENTED - queue.purge not supported by stream queues queue 'log' in vhost '/'";
        assert_eq!(said, text, "{server}");
    }
}

#[tokio::test]
async fn a_deleted_stream_is_gone_for_its_readers_and_begins_anew() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        stream(&channel, "log").await;
        put(&channel, "log", ["a", "b"]).await;
        let (_reading, mut reader) = read(&client, "log", from(text("first")), 10).await;
        assert_eq!(bodies(&mut reader, 2).await, ["a", "b"], "{server}");
        channel.queue_delete("log".into(), QueueDeleteOptions::default()).await.expect("deleted");
        over(&mut reader).await;
        let said = client.outcome(async |channel| look(channel, "log").await).await;
        assert_eq!(said, "channel 404 NOT_FOUND - no queue 'log' in vhost '/'", "{server}");

        stream(&channel, "log").await;
        put(&channel, "log", ["c"]).await;
        let (_reading, mut reader) = read(&client, "log", from(text("first")), 10).await;
        assert_eq!(numbered(&mut reader, 1).await, expected([(0, "c")]), "{server}");
    }
}

#[tokio::test]
async fn messages_keep_their_properties_beside_their_offset() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        stream(&channel, "log").await;
        let properties = BasicProperties::default()
            .with_content_type("text/plain".into())
            .with_headers(table([("colour", text("red")), ("size", number(7))]))
            .with_delivery_mode(2)
            .with_correlation_id("correlation".into())
            .with_message_id("message".into())
            .with_timestamp(1_700_000_000)
            .with_type("greeting".into())
            .with_app_id("tests".into());
        publish(&channel, "", "log", "a", properties.clone()).await;
        let (_reading, mut reader) = read(&client, "log", from(text("first")), 10).await;
        let delivery = next(&mut reader).await;
        let headers = table([("colour", text("red")), ("size", number(7)), ("x-stream-offset", number(0))]);
        assert_eq!(delivery.properties, properties.with_headers(headers), "{server}");
        assert_eq!((delivery.exchange.as_str(), delivery.routing_key.as_str()), ("", "log"), "{server}");
    }
}

#[tokio::test]
async fn a_stream_takes_its_messages_from_exchanges_as_well() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        stream(&channel, "log").await;
        let bound =
            channel.queue_bind("log".into(), "amq.topic".into(), "a.#".into(), Default::default(), table([]));
        bound.await.expect("bound");
        for key in ["a.b", "b.c", "a"] {
            publish(&channel, "amq.topic", key, key, BasicProperties::default()).await;
        }
        let (_reading, mut reader) = read(&client, "log", from(text("first")), 10).await;
        let [first, second] = [next(&mut reader).await, next(&mut reader).await];
        assert_eq!((body(&first).as_str(), first.routing_key.as_str()), ("a.b", "a.b"), "{server}");
        assert_eq!(first.exchange.as_str(), "amq.topic", "{server}");
        assert_eq!((offset(&second), second.routing_key.as_str()), (1, "a"), "{server}");
    }
}

#[tokio::test]
async fn a_long_stream_is_read_to_its_end_and_beyond_in_order() {
    const MESSAGES: i64 = 2000;
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        stream(&channel, "log").await;
        let mut confirms = Vec::new();
        let (_reading, mut early) = read(&client, "log", from(text("first")), 50).await;
        for message in 0..MESSAGES {
            let (options, body) = (Default::default(), message.to_string());
            let properties = BasicProperties::default();
            let published =
                channel.basic_publish("".into(), "log".into(), options, body.as_bytes(), properties);
            confirms.push(published.await.expect("published"));
        }
        for confirm in confirms {
            assert!(confirm.await.expect("confirmed").is_ack(), "{server}");
        }
        let (_reading, mut late) = read(&client, "log", from(number(1000)), 50).await;
        for (reader, start) in [(&mut early, 0), (&mut late, 1000)] {
            for message in start..MESSAGES {
                let delivery = next(reader).await;
                assert_eq!((offset(&delivery), body(&delivery)), (message, message.to_string()), "{server}");
                delivery.ack(BasicAckOptions::default()).await.expect("acknowledged");
            }
        }
    }
}
