//! Bindings that are refused, and those of deleted queues.

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeleteOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, ExchangeKind};

use crate::client::{ALLOWED, Client, drain, number, publish, queue, table, text};
use crate::servers::servers;

async fn bind(channel: &Channel, queue: &str, exchange: &str, arguments: FieldTable) -> lapin::Result<()> {
    let options = QueueBindOptions::default();
    channel.queue_bind(queue.into(), exchange.into(), "key".into(), options, arguments).await
}

async fn unbind(channel: &Channel, queue: &str, exchange: &str) -> lapin::Result<()> {
    channel.queue_unbind(queue.into(), exchange.into(), "key".into(), table([])).await
}

#[tokio::test]
async fn only_what_is_there_can_be_bound() {
    for server in servers().await {
        let client = Client::of(&server).await;
        queue(&client.channel().await, "there", []).await;
        for (queue, exchange, text) in [
            ("missing", "amq.direct", "no queue 'missing' in vhost '/'"),
            ("there", "missing", "no exchange 'missing' in vhost '/'"),
            ("missing", "gone", "no exchange 'gone' in vhost '/'"),
        ] {
            let said = client.outcome(async |channel| bind(channel, queue, exchange, table([])).await).await;
            assert_eq!(said, format!("channel 404 NOT_FOUND - {text}"), "{server}");
        }
    }
}

#[tokio::test]
async fn unbinding_what_is_not_there_is_no_failure() {
    for server in servers().await {
        let client = Client::of(&server).await;
        queue(&client.channel().await, "there", []).await;
        for (queue, exchange) in [("missing", "amq.direct"), ("there", "missing"), ("there", "amq.direct")] {
            let said = client.outcome(async |channel| unbind(channel, queue, exchange).await).await;
            assert_eq!(said, ALLOWED, "{server}, {queue} of {exchange}");
        }
    }
}

#[tokio::test]
async fn nobody_binds_to_the_default_exchange() {
    for server in servers().await {
        let client = Client::of(&server).await;
        queue(&client.channel().await, "there", []).await;
        let text = "channel 403 ACCESS_REFUSED - operation not permitted on the default exchange";
        let said = client.outcome(async |channel| bind(channel, "there", "", table([])).await).await;
        assert_eq!(said, text, "{server}");
        let said = client.outcome(async |channel| unbind(channel, "there", "").await).await;
        assert_eq!(said, text, "{server}");
    }
}

#[tokio::test]
async fn a_headers_binding_says_how_it_matches_in_one_of_four_words() {
    for server in servers().await {
        let client = Client::of(&server).await;
        queue(&client.channel().await, "there", []).await;
        for (value, text) in [
            (
                text("some"),
                "Invalid x-match field value <<\"some\">>; expected all, any, all-with-x, or any-with-x",
            ),
            (AMQPValue::LongInt(1), "Invalid x-match field type signedint (value 1); expected longstr"),
            (number(1), "Invalid x-match field type long (value 1); expected longstr"),
        ] {
            let arguments = table([("x-match", value)]);
            let said =
                client.outcome(async |channel| bind(channel, "there", "amq.headers", arguments).await).await;
            assert_eq!(said, format!("channel 406 PRECONDITION_FAILED - {text}"), "{server}");
        }
        // to other exchanges it means nothing
        let arguments = table([("x-match", text("some"))]);
        let said =
            client.outcome(async |channel| bind(channel, "there", "amq.direct", arguments).await).await;
        assert_eq!(said, ALLOWED, "{server}");
    }
}

#[tokio::test]
async fn a_queue_without_a_name_is_the_one_that_the_channel_declared_last() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let said = client.outcome(async |channel| bind(channel, "", "amq.direct", table([])).await).await;
        assert_eq!(said, "channel 404 NOT_FOUND - no previously declared queue", "{server}");

        let channel = client.confirming().await;
        queue(&channel, "first", []).await;
        queue(&channel, "last", []).await;
        bind(&channel, "", "amq.fanout", table([])).await.expect("bound");
        publish(&channel, "amq.fanout", "", "hello", BasicProperties::default()).await;
        assert_eq!(drain(&channel, "last").await, ["hello"], "{server}");
        assert!(drain(&channel, "first").await.is_empty(), "{server}");
    }
}

#[tokio::test]
async fn bindings_go_with_their_queue_and_with_their_exchange() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        let declare = async || {
            let (kind, options) = (ExchangeKind::Fanout, ExchangeDeclareOptions::default());
            channel.exchange_declare("board".into(), kind, options, table([])).await.expect("declared");
        };
        let reached = async || {
            publish(&channel, "board", "", "hello", BasicProperties::default()).await;
            drain(&channel, "short-lived").await.len()
        };
        declare().await;
        queue(&channel, "short-lived", []).await;
        bind(&channel, "short-lived", "board", table([])).await.expect("bound");
        assert_eq!(reached().await, 1, "{server}");

        channel.queue_delete("short-lived".into(), QueueDeleteOptions::default()).await.expect("deleted");
        queue(&channel, "short-lived", []).await;
        assert_eq!(reached().await, 0, "{server}: the queue is another one");

        bind(&channel, "short-lived", "board", table([])).await.expect("bound");
        channel.exchange_delete("board".into(), Default::default()).await.expect("deleted");
        declare().await;
        assert_eq!(reached().await, 0, "{server}: the exchange is another one");
    }
}
