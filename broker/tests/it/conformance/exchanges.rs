//! Exchanges: what may be declared, and deleted.

use lapin::ExchangeKind::{self, Custom, Direct, Fanout, Headers, Topic};
use lapin::options::{ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel};

use crate::client::{ALLOWED, Client, assert_one_of, publish, queue, table, text};
use crate::servers::servers;

fn durable() -> ExchangeDeclareOptions {
    ExchangeDeclareOptions { durable: true, ..Default::default() }
}

fn passive() -> ExchangeDeclareOptions {
    ExchangeDeclareOptions { passive: true, ..Default::default() }
}

async fn declare(
    channel: &Channel,
    name: &str,
    kind: ExchangeKind,
    options: ExchangeDeclareOptions,
) -> lapin::Result<()> {
    channel.exchange_declare(name.into(), kind, options, FieldTable::default()).await
}

async fn delete(channel: &Channel, name: &str) -> lapin::Result<()> {
    channel.exchange_delete(name.into(), ExchangeDeleteOptions::default()).await
}

#[tokio::test]
async fn all_four_types_can_be_declared_and_declared_again() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for kind in [Direct, Fanout, Headers, Topic] {
            let name = format!("{kind:?}");
            for _ in 0..2 {
                let said = client
                    .outcome(async |channel| declare(channel, &name, kind.clone(), durable()).await)
                    .await;
                assert_eq!(said, ALLOWED, "{server}, {kind:?}");
            }
        }
    }
}

#[tokio::test]
async fn an_inequivalent_declaration_is_refused_and_says_what_differs() {
    let inequivalent = |what: &str| format!("channel 406 PRECONDITION_FAILED - inequivalent arg {what}");
    for server in servers().await {
        let client = Client::of(&server).await;
        declare(&client.channel().await, "letters", Direct, durable()).await.expect("declared");
        for (kind, options, arguments, text) in [
            (
                Fanout,
                durable(),
                table([]),
                "'type' for exchange 'letters' in vhost '/': received 'fanout' but current is 'direct'",
            ),
            (
                Direct,
                ExchangeDeclareOptions::default(),
                table([]),
                "'durable' for exchange 'letters' in vhost '/': received 'false' but current is 'true'",
            ),
            (
                Direct,
                ExchangeDeclareOptions { auto_delete: true, ..durable() },
                table([]),
                "'auto_delete' for exchange 'letters' in vhost '/': received 'true' but current is 'false'",
            ),
            (
                Direct,
                ExchangeDeclareOptions { internal: true, ..durable() },
                table([]),
                "'internal' for exchange 'letters' in vhost '/': received 'true' but current is 'false'",
            ),
        ] {
            let said = client
                .outcome(async |channel| {
                    channel.exchange_declare("letters".into(), kind, options, arguments).await
                })
                .await;
            assert_eq!(said, inequivalent(text), "{server}");
        }
        // arguments that mean nothing to an exchange are not compared
        let said = client
            .outcome(async |channel| {
                let arguments = table([("x-unknown", text("value"))]);
                channel.exchange_declare("letters".into(), Direct, durable(), arguments).await
            })
            .await;
        assert_eq!(said, ALLOWED, "{server}");
    }
}

#[tokio::test]
async fn a_passive_declaration_finds_an_exchange_whatever_its_type_and_misses_one_that_is_not_there() {
    for server in servers().await {
        let client = Client::of(&server).await;
        declare(&client.channel().await, "letters", Direct, durable()).await.expect("declared");
        for kind in [Direct, Topic, Custom("no-such-type".to_owned())] {
            let said =
                client.outcome(async |channel| declare(channel, "letters", kind, passive()).await).await;
            assert_eq!(said, ALLOWED, "{server}");
        }
        let said = client.outcome(async |channel| declare(channel, "parcels", Direct, passive()).await).await;
        assert_eq!(said, "channel 404 NOT_FOUND - no exchange 'parcels' in vhost '/'", "{server}");
    }
}

#[tokio::test]
async fn a_type_that_nobody_knows_is_refused() {
    for server in servers().await {
        for (kind, text) in
            [("no-such-type", "unknown exchange type 'no-such-type'"), ("", "invalid exchange type ''")]
        {
            let client = Client::of(&server).await;
            let kind = Custom(kind.to_owned());
            let said = client.outcome(async |channel| declare(channel, "odd", kind, durable()).await).await;
            // the connection until RabbitMQ 3, the channel alone since 4
            let [old, new] = [
                format!("connection 503 COMMAND_INVALID - {text}"),
                format!("channel 406 PRECONDITION_FAILED - {text}"),
            ];
            assert_one_of(&said, &[&old, &new], &server);
        }
    }
}

#[tokio::test]
async fn names_that_begin_with_amq_are_reserved() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let said =
            client.outcome(async |channel| declare(channel, "amq.mine", Direct, durable()).await).await;
        let text = "channel 403 ACCESS_REFUSED - exchange name 'amq.mine' contains reserved prefix 'amq.*'";
        assert_eq!(said, text, "{server}");
        let said =
            client.outcome(async |channel| declare(channel, "amq.mine", Direct, passive()).await).await;
        assert_eq!(said, "channel 404 NOT_FOUND - no exchange 'amq.mine' in vhost '/'", "{server}");
        for name in ["amq.direct", "amq.mine"] {
            let said = client.outcome(async |channel| delete(channel, name).await).await;
            let text = format!(
                "channel 403 ACCESS_REFUSED - deletion of system exchange '{name}' in vhost '/' not allowed"
            );
            assert_eq!(said, text, "{server}");
        }
    }
}

#[tokio::test]
async fn the_exchanges_of_the_standard_are_there_from_the_start_and_durable() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for (name, kind) in [
            ("amq.direct", Direct),
            ("amq.fanout", Fanout),
            ("amq.topic", Topic),
            ("amq.headers", Headers),
            ("amq.match", Headers),
        ] {
            for options in [passive(), durable()] {
                let kind = kind.clone();
                let said = client.outcome(async |channel| declare(channel, name, kind, options).await).await;
                assert_eq!(said, ALLOWED, "{server}, {name}");
            }
        }
        let options = ExchangeDeclareOptions::default();
        let said = client.outcome(async |channel| declare(channel, "amq.topic", Topic, options).await).await;
        let text = "channel 406 PRECONDITION_FAILED - inequivalent arg 'durable' for exchange 'amq.topic' in \
                    vhost '/': received 'false' but current is 'true'";
        assert_eq!(said, text, "{server}");
    }
}

#[tokio::test]
async fn the_default_exchange_can_neither_be_declared_nor_deleted() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let text = "channel 403 ACCESS_REFUSED - operation not permitted on the default exchange";
        for options in [durable(), passive()] {
            let said = client.outcome(async |channel| declare(channel, "", Direct, options).await).await;
            assert_eq!(said, text, "{server}");
        }
        let said = client.outcome(async |channel| delete(channel, "").await).await;
        assert_eq!(said, text, "{server}");
    }
}

#[tokio::test]
async fn deleting_an_exchange_that_is_not_there_is_no_failure() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let said = client.outcome(async |channel| delete(channel, "missing").await).await;
        assert_eq!(said, ALLOWED, "{server}");
    }
}

#[tokio::test]
async fn an_exchange_in_use_is_deleted_only_without_if_unused() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.channel().await;
        declare(&channel, "letters", Direct, durable()).await.expect("declared");
        queue(&channel, "in-tray", []).await;
        let bind = QueueBindOptions::default();
        channel
            .queue_bind("in-tray".into(), "letters".into(), "k".into(), bind, table([]))
            .await
            .expect("bound");

        let unused = ExchangeDeleteOptions { if_unused: true, ..Default::default() };
        let said =
            client.outcome(async |channel| channel.exchange_delete("letters".into(), unused).await).await;
        let text = "channel 406 PRECONDITION_FAILED - exchange 'letters' in vhost '/' in use";
        assert_eq!(said, text, "{server}");
        let said = client.outcome(async |channel| delete(channel, "letters").await).await;
        assert_eq!(said, ALLOWED, "{server}");
        let said = client.outcome(async |channel| declare(channel, "letters", Direct, passive()).await).await;
        assert_eq!(said, "channel 404 NOT_FOUND - no exchange 'letters' in vhost '/'", "{server}");
    }
}

#[tokio::test]
async fn an_auto_delete_exchange_goes_with_its_last_binding() {
    let gone = "channel 404 NOT_FOUND - no exchange 'letters' in vhost '/'";
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.channel().await;
        let there = async || {
            client.outcome(async |channel| declare(channel, "letters", Direct, passive()).await).await
        };
        let bind = async |key: &str| {
            let options = QueueBindOptions::default();
            let bound =
                channel.queue_bind("in-tray".into(), "letters".into(), key.into(), options, table([]));
            bound.await.expect("bound");
        };
        let unbind = async |key: &str| {
            let unbound = channel.queue_unbind("in-tray".into(), "letters".into(), key.into(), table([]));
            unbound.await.expect("unbound");
        };
        let options = ExchangeDeclareOptions { auto_delete: true, ..durable() };

        declare(&channel, "letters", Direct, options).await.expect("declared");
        queue(&channel, "in-tray", []).await;
        assert_eq!(there().await, ALLOWED, "{server}: it had no binding yet");
        bind("a").await;
        bind("b").await;
        unbind("a").await;
        assert_eq!(there().await, ALLOWED, "{server}: a binding is left");
        unbind("b").await;
        assert_eq!(there().await, gone, "{server}");

        declare(&channel, "letters", Direct, options).await.expect("declared");
        bind("a").await;
        channel.queue_delete("in-tray".into(), QueueDeleteOptions::default()).await.expect("deleted");
        assert_eq!(there().await, gone, "{server}: the queue took its bindings along");
    }
}

#[tokio::test]
async fn nobody_publishes_to_an_internal_exchange() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let options = ExchangeDeclareOptions { internal: true, ..durable() };
        declare(&client.channel().await, "inner", Direct, options).await.expect("declared");
        let said = client
            .outcome(async |channel| {
                publish(channel, "inner", "key", "body", BasicProperties::default()).await;
                Ok(())
            })
            .await;
        let text = "channel 403 ACCESS_REFUSED - cannot publish to internal exchange 'inner' in vhost '/'";
        assert_eq!(said, text, "{server}");
    }
}
