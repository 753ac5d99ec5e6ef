//! What queues of each type may be declared with, and what must stay as it was.

use lapin::options::QueueDeclareOptions;
use lapin::types::AMQPValue;

use crate::client::{ALLOWED, Client, assert_one_of, durable, number, table, text};
use crate::servers::servers;

const CLASSIC: &str = "classic";
const QUORUM: &str = "quorum";
const STREAM: &str = "stream";

fn kind(kind: &str) -> (&'static str, AMQPValue) {
    ("x-queue-type", text(kind))
}

/// A small number, as the standard's own type.
fn int(number: i32) -> AMQPValue {
    AMQPValue::LongInt(number)
}

#[tokio::test]
async fn an_inequivalent_declaration_is_refused_and_says_what_differs() {
    let auto_delete = QueueDeclareOptions { auto_delete: true, ..durable() };
    for server in servers().await {
        let client = Client::of(&server).await;
        let declare = async |options, arguments| {
            client.outcome(async |channel| channel.queue_declare("q".into(), options, arguments).await).await
        };
        for (first, second, text) in [
            (
                (durable(), table([])),
                (QueueDeclareOptions::default(), table([])),
                "'durable' for queue 'q' in vhost '/': received 'false' but current is 'true'",
            ),
            (
                (durable(), table([])),
                (auto_delete, table([])),
                "'auto_delete' for queue 'q' in vhost '/': received 'true' but current is 'false'",
            ),
            (
                (durable(), table([("x-message-ttl", int(1000))])),
                (durable(), table([("x-message-ttl", int(2000))])),
                "'x-message-ttl' for queue 'q' in vhost '/': received '2000' but current is '1000'",
            ),
            (
                (durable(), table([("x-message-ttl", int(1000))])),
                (durable(), table([])),
                "'x-message-ttl' for queue 'q' in vhost '/': received none but current is the value '1000' of type \
                 'signedint'",
            ),
            (
                (durable(), table([])),
                (durable(), table([("x-message-ttl", number(2000))])),
                "'x-message-ttl' for queue 'q' in vhost '/': received the value '2000' of type 'long' but current \
                 is none",
            ),
            (
                (durable(), table([("x-expires", int(100_000))])),
                (durable(), table([("x-expires", int(200_000))])),
                "'x-expires' for queue 'q' in vhost '/': received '200000' but current is '100000'",
            ),
            (
                (durable(), table([("x-max-length", int(1))])),
                (durable(), table([("x-max-length", int(2))])),
                "'x-max-length' for queue 'q' in vhost '/': received '2' but current is '1'",
            ),
            (
                (durable(), table([("x-max-length-bytes", int(1))])),
                (durable(), table([("x-max-length-bytes", int(2))])),
                "'x-max-length-bytes' for queue 'q' in vhost '/': received '2' but current is '1'",
            ),
            (
                (durable(), table([("x-dead-letter-exchange", text("one"))])),
                (durable(), table([("x-dead-letter-exchange", text("two"))])),
                "'x-dead-letter-exchange' for queue 'q' in vhost '/': received 'two' but current is 'one'",
            ),
            (
                (durable(), table([])),
                (durable(), table([("x-dead-letter-exchange", text("two"))])),
                "'x-dead-letter-exchange' for queue 'q' in vhost '/': received the value 'two' of type 'longstr' \
                 but current is none",
            ),
            (
                (durable(), table([("x-overflow", text("drop-head"))])),
                (durable(), table([("x-overflow", text("reject-publish"))])),
                "'x-overflow' for queue 'q' in vhost '/': received 'reject-publish' but current is 'drop-head'",
            ),
            (
                (durable(), table([])),
                (durable(), table([("x-single-active-consumer", true.into())])),
                "'x-single-active-consumer' for queue 'q' in vhost '/': received the value 'true' of type 'bool' \
                 but current is none",
            ),
            (
                (durable(), table([kind(QUORUM)])),
                (durable(), table([kind(CLASSIC)])),
                "'x-queue-type' for queue 'q' in vhost '/': received 'classic' but current is 'quorum'",
            ),
            (
                (durable(), table([kind(QUORUM)])),
                (durable(), table([kind(STREAM)])),
                "'x-queue-type' for queue 'q' in vhost '/': received 'stream' but current is 'quorum'",
            ),
            (
                (durable(), table([kind(QUORUM), ("x-delivery-limit", int(1))])),
                (durable(), table([kind(QUORUM), ("x-delivery-limit", int(2))])),
                "'x-delivery-limit' for queue 'q' in vhost '/': received '2' but current is '1'",
            ),
        ] {
            assert_eq!(declare(first.0, first.1).await, ALLOWED, "{server}");
            let said = declare(second.0, second.1).await;
            assert_eq!(
                said,
                format!("channel 406 PRECONDITION_FAILED - inequivalent arg {text}"),
                "{server}"
            );
            client.channel().await.queue_delete("q".into(), Default::default()).await.expect("deleted");
        }
    }
}

#[tokio::test]
async fn another_type_than_the_default_is_inequivalent_to_none() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let declare = async |queue: &str, arguments| {
            client
                .outcome(async |channel| channel.queue_declare(queue.into(), durable(), arguments).await)
                .await
        };
        assert_eq!(declare("plain", table([])).await, ALLOWED, "{server}");
        assert_eq!(declare("quorum", table([kind(QUORUM)])).await, ALLOWED, "{server}");
        let inequivalent = |queue: &str, text: &str| {
            format!(
                "channel 406 PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for queue '{queue}' in vhost \
                 '/': received {text}"
            )
        };
        // RabbitMQ 4 fills in the default before it compares
        let said = declare("plain", table([kind(QUORUM)])).await;
        let [old, new] = [
            inequivalent("plain", "the value 'quorum' of type 'longstr' but current is none"),
            inequivalent("plain", "'quorum' but current is 'classic'"),
        ];
        assert_one_of(&said, &[&old, &new], &server);
        let said = declare("quorum", table([])).await;
        let [old, new] = [
            inequivalent("quorum", "none but current is the value 'quorum' of type 'longstr'"),
            inequivalent("quorum", "'classic' but current is 'quorum'"),
        ];
        assert_one_of(&said, &[&old, &new], &server);
    }
}

#[tokio::test]
async fn arguments_with_values_that_make_no_sense_are_refused() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for (name, value, text) in [
            ("x-message-ttl", int(-1), "{value_negative,-1}"),
            ("x-message-ttl", text("10"), "\"expected integer, got longstr\""),
            ("x-message-ttl", true.into(), "\"expected integer, got bool\""),
            ("x-message-ttl", number(1 << 40), "{value_too_large,1099511627776}"),
            ("x-expires", int(0), "{value_zero,0}"),
            ("x-expires", int(-1), "{value_negative,-1}"),
            ("x-expires", text("soon"), "\"expected integer, got longstr\""),
            ("x-expires", number(1 << 40), "{value_too_large,1099511627776}"),
            ("x-max-length", int(-1), "{value_negative,-1}"),
            ("x-max-length", text("1"), "\"expected integer, got longstr\""),
            ("x-max-length-bytes", int(-1), "{value_negative,-1}"),
            ("x-dead-letter-routing-key", text("a"), "routing_key_but_no_dlx_defined"),
            ("x-overflow", text("explode"), "invalid_overflow"),
            ("x-overflow", int(1), "{unacceptable_type,signedint}"),
            ("x-queue-type", text("heap"), "\"unsupported queue type 'heap'\""),
            ("x-queue-type", int(1), "{unacceptable_type,signedint}"),
            ("x-single-active-consumer", text("yes"), "{unacceptable_type,longstr}"),
        ] {
            let arguments = table([(name, value)]);
            let said = client
                .outcome(async |channel| channel.queue_declare("odd".into(), durable(), arguments).await)
                .await;
            let expected = format!(
                "channel 406 PRECONDITION_FAILED - invalid arg '{name}' for queue 'odd' in vhost '/': {text}"
            );
            assert_eq!(said, expected, "{server}");
        }
        let arguments = table([("x-dead-letter-exchange", int(1))]);
        let said = client
            .outcome(async |channel| channel.queue_declare("odd".into(), durable(), arguments).await)
            .await;
        let text = "channel 406 PRECONDITION_FAILED - invalid type 'signedint' for arg 'x-dead-letter-exchange' in \
                    queue 'odd' in vhost '/'";
        assert_eq!(said, text, "{server}");
    }
}

#[tokio::test]
async fn numbers_may_be_zero_where_that_means_something_and_of_any_integer_type() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for (name, value) in [
            ("x-message-ttl", int(0)),
            ("x-max-length", int(0)),
            ("x-max-length-bytes", int(0)),
            ("x-max-length", AMQPValue::ShortShortInt(5)),
            ("x-max-length", AMQPValue::ShortShortUInt(5)),
            ("x-max-length", AMQPValue::ShortInt(5)),
            ("x-max-length", AMQPValue::ShortUInt(5)),
            ("x-max-length", AMQPValue::LongUInt(5)),
            ("x-max-length", AMQPValue::LongLongInt(5)),
        ] {
            let arguments = table([(name, value.clone())]);
            let said = client
                .outcome(async |channel| {
                    channel.queue_declare("odd".into(), durable(), arguments).await?;
                    channel.queue_delete("odd".into(), Default::default()).await
                })
                .await;
            assert_eq!(said, ALLOWED, "{server}, {name} {value:?}");
        }
    }
}

#[tokio::test]
async fn a_type_of_queue_takes_only_arguments_that_mean_something_to_it() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for (queue_type, name, value) in [
            (CLASSIC, "x-delivery-limit", int(3)),
            (CLASSIC, "x-dead-letter-strategy", text("at-least-once")),
            (CLASSIC, "x-max-age", text("1D")),
            (CLASSIC, "x-stream-max-segment-size-bytes", int(10_000)),
            (CLASSIC, "x-quorum-initial-group-size", int(1)),
            (QUORUM, "x-max-age", text("1D")),
            (QUORUM, "x-stream-max-segment-size-bytes", int(10_000)),
            (QUORUM, "x-queue-mode", text("lazy")),
            (STREAM, "x-message-ttl", int(1)),
            (STREAM, "x-expires", int(1)),
            (STREAM, "x-max-length", int(1)),
            (STREAM, "x-dead-letter-exchange", text("")),
            (STREAM, "x-overflow", text("drop-head")),
            (STREAM, "x-delivery-limit", int(1)),
            (STREAM, "x-single-active-consumer", true.into()),
        ] {
            let arguments = table([kind(queue_type), (name, value)]);
            let said = client
                .outcome(async |channel| channel.queue_declare("odd".into(), durable(), arguments).await)
                .await;
            let expected = format!(
                "channel 406 PRECONDITION_FAILED - invalid arg '{name}' for queue 'odd' in vhost '/' of queue type \
                 rabbit_{queue_type}_queue"
            );
            assert_eq!(said, expected, "{server}");
        }
    }
}

#[tokio::test]
async fn quorum_queues_and_streams_are_durable_shared_and_named() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let exclusive = QueueDeclareOptions { exclusive: true, ..durable() };
        let auto_delete = QueueDeclareOptions { auto_delete: true, ..durable() };
        for queue_type in [QUORUM, STREAM] {
            for (options, text) in [
                (QueueDeclareOptions::default(), "non-durable"),
                (exclusive, "exclusive-owner"),
                (QueueDeclareOptions::exclusive(), "exclusive-owner"),
                (auto_delete, "auto-delete"),
            ] {
                let arguments = table([kind(queue_type)]);
                let said = client
                    .outcome(async |channel| channel.queue_declare("odd".into(), options, arguments).await)
                    .await;
                let text = format!(
                    "channel 406 PRECONDITION_FAILED - invalid property '{text}' for queue 'odd' in vhost '/'"
                );
                assert_eq!(said, text, "{server}, {queue_type}");
            }
            let arguments = table([kind(queue_type)]);
            let said = client
                .outcome(async |channel| channel.queue_declare("".into(), durable(), arguments).await)
                .await;
            let text = format!(
                "channel 406 PRECONDITION_FAILED - Cannot declare a server-named queue for type \
                 rabbit_{queue_type}_queue"
            );
            assert_eq!(said, text, "{server}");
        }
    }
}

#[tokio::test]
async fn arguments_of_quorum_queues_and_streams_are_checked_as_well() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for (queue_type, name, value, text) in [
            (QUORUM, "x-message-ttl", int(-1), "{value_negative,-1}"),
            (QUORUM, "x-overflow", text("explode"), "invalid_overflow"),
            (QUORUM, "x-dead-letter-strategy", text("never"), "invalid_dlx_strategy"),
            (QUORUM, "x-dead-letter-strategy", int(1), "{unacceptable_type,signedint}"),
            (STREAM, "x-max-length-bytes", int(-1), "{value_negative,-1}"),
            (STREAM, "x-max-age", int(1), "{unacceptable_type,signedint}"),
            (STREAM, "x-stream-max-segment-size-bytes", int(-1), "{value_negative,-1}"),
        ] {
            let arguments = table([kind(queue_type), (name, value)]);
            let said = client
                .outcome(async |channel| channel.queue_declare("odd".into(), durable(), arguments).await)
                .await;
            let expected = format!(
                "channel 406 PRECONDITION_FAILED - invalid arg '{name}' for queue 'odd' in vhost '/': {text}"
            );
            assert_eq!(said, expected, "{server}, {queue_type}");
        }
    }
}
