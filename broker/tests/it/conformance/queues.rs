//! Queues: declared, looked at, and owned by one connection.

use lapin::Channel;
use lapin::options::{
    BasicCancelOptions, BasicConsumeOptions, BasicGetOptions, QueueBindOptions, QueueDeclareOptions,
    QueueDeleteOptions, QueuePurgeOptions,
};
use lapin::types::FieldTable;

use crate::client::{
    ALLOWED, Client, DEADLINE, consume, consume_with, durable, get, holds, look, next, put, queue, table,
    text,
};
use crate::servers::servers;

/// What a queue that belongs to another connection, or would, says in texts.
fn locked(queue: &str) -> String {
    format!(
        "channel 405 RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '{queue}' in vhost '/'. It \
         could be originally declared on another connection or the exclusive property value does not match that \
         of the original declaration."
    )
}

fn missing(queue: &str) -> String {
    format!("channel 404 NOT_FOUND - no queue '{queue}' in vhost '/'")
}

async fn declare(
    channel: &Channel,
    queue: &str,
    options: QueueDeclareOptions,
) -> lapin::Result<lapin::Queue> {
    channel.queue_declare(queue.into(), options, table([])).await
}

/// Waits until there is no such queue.
async fn gone(client: &Client, queue: &str) {
    testkit::eventually(&format!("the end of {queue}"), DEADLINE, async || {
        let said = client.outcome(async |channel| look(channel, queue).await).await;
        (said == missing(queue)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_server_makes_up_a_name_where_the_client_has_none() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.channel().await;
        let exclusive = QueueDeclareOptions::exclusive();
        let [first, second] = [
            declare(&channel, "", exclusive).await.expect("a queue"),
            declare(&channel, "", exclusive).await.expect("a queue"),
        ];
        assert!(first.name().as_str().starts_with("amq.gen-"), "{server}: {first:?}");
        assert_ne!(first.name(), second.name(), "{server}");
        assert_eq!((first.message_count(), first.consumer_count()), (0, 0), "{server}");
        look(&channel, first.name().as_str()).await.expect("it is there");
        // the name is reserved, even for who was given it
        let name = first.name().as_str();
        let said = client.outcome(async |channel| declare(channel, name, exclusive).await).await;
        let text =
            format!("channel 403 ACCESS_REFUSED - queue name '{name}' contains reserved prefix 'amq.*'");
        assert_eq!(said, text, "{server}");
    }
}

#[tokio::test]
async fn names_that_begin_with_amq_are_reserved() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let said = client.outcome(async |channel| declare(channel, "amq.mine", durable()).await).await;
        let text = "channel 403 ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'";
        assert_eq!(said, text, "{server}");
        let said = client.outcome(async |channel| look(channel, "amq.mine").await).await;
        assert_eq!(said, missing("amq.mine"), "{server}");
    }
}

#[tokio::test]
async fn what_is_asked_of_a_queue_that_is_not_there_is_refused() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let text = missing("lost");
        let said = client.outcome(async |channel| look(channel, "lost").await).await;
        assert_eq!(said, text, "{server}, a look");
        let purge = QueuePurgeOptions::default();
        let said = client.outcome(async |channel| channel.queue_purge("lost".into(), purge).await).await;
        assert_eq!(said, text, "{server}, a purge");
        let options = BasicGetOptions::default();
        let said = client.outcome(async |channel| channel.basic_get("lost".into(), options).await).await;
        assert_eq!(said, text, "{server}, a get");
        let options = BasicConsumeOptions::default();
        let said = client
            .outcome(async |channel| {
                channel.basic_consume("lost".into(), "".into(), options, table([])).await
            })
            .await;
        assert_eq!(said, text, "{server}, a consumer");
    }
}

#[tokio::test]
async fn a_queue_without_a_name_is_the_one_that_the_channel_declared_last() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let none = "channel 404 NOT_FOUND - no previously declared queue";
        let get = BasicGetOptions::default();
        let said = client.outcome(async |channel| channel.basic_get("".into(), get).await).await;
        assert_eq!(said, none, "{server}, a get");
        let delete = QueueDeleteOptions::default();
        let said = client.outcome(async |channel| channel.queue_delete("".into(), delete).await).await;
        assert_eq!(said, none, "{server}, a deletion");
        let purge = QueuePurgeOptions::default();
        let said = client.outcome(async |channel| channel.queue_purge("".into(), purge).await).await;
        assert_eq!(said, none, "{server}, a purge");

        let channel = client.confirming().await;
        queue(&channel, "first", []).await;
        queue(&channel, "last", []).await;
        put(&channel, "last", ["hello"]).await;
        assert_eq!(channel.queue_purge("".into(), purge).await.expect("purged"), 1, "{server}");
        put(&channel, "last", ["hello"]).await;
        assert_eq!(channel.queue_delete("".into(), delete).await.expect("deleted"), 1, "{server}");
        look(&channel, "first").await.expect("still there");
    }
}

#[tokio::test]
async fn a_declaration_tells_how_many_messages_wait_and_how_many_consume() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        let counts = async || {
            let again = queue(&channel, "counted", []).await;
            let seen = look(&channel, "counted").await.expect("the queue");
            assert_eq!(again.message_count(), seen.message_count(), "{server}");
            (seen.message_count(), seen.consumer_count())
        };
        assert_eq!(counts().await, (0, 0), "{server}");
        put(&channel, "counted", ["a", "b", "c"]).await;
        assert_eq!(counts().await, (3, 0), "{server}");
        let held = get(&channel, "counted").await.expect("a message");
        assert_eq!(counts().await, (2, 0), "{server}: one is delivered and not acknowledged");

        let other = client.channel().await;
        let mut consumer = consume(&other, "counted").await;
        next(&mut consumer).await;
        next(&mut consumer).await;
        assert_eq!(counts().await, (0, 1), "{server}");
        held.nack(Default::default()).await.expect("given up for good");
        other.close(200, "done".into()).await.expect("closed");
        holds(&channel, "counted", 2).await;
        assert_eq!(counts().await, (2, 0), "{server}");
    }
}

#[tokio::test]
async fn an_exclusive_queue_is_for_its_connection_alone() {
    for server in servers().await {
        let [owner, other] = [Client::of(&server).await, Client::of(&server).await];
        let channel = owner.channel().await;
        declare(&channel, "private", QueueDeclareOptions::exclusive()).await.expect("declared");
        let text = locked("private");
        for options in [
            QueueDeclareOptions::exclusive(),
            QueueDeclareOptions::default(),
            QueueDeclareOptions::default().passive(),
        ] {
            let said = other.outcome(async |channel| declare(channel, "private", options).await).await;
            assert_eq!(said, text, "{server}, {options:?}");
        }
        let bind = QueueBindOptions::default();
        let said = other
            .outcome(async |channel| {
                channel.queue_bind("private".into(), "amq.direct".into(), "key".into(), bind, table([])).await
            })
            .await;
        assert_eq!(said, text, "{server}, a binding");
        let options = BasicGetOptions::default();
        let said = other.outcome(async |channel| channel.basic_get("private".into(), options).await).await;
        assert_eq!(said, text, "{server}, a get");
        let options = BasicConsumeOptions::default();
        let said = other
            .outcome(async |channel| {
                channel.basic_consume("private".into(), "".into(), options, table([])).await
            })
            .await;
        assert_eq!(said, text, "{server}, a consumer");
        let options = QueuePurgeOptions::default();
        let said = other.outcome(async |channel| channel.queue_purge("private".into(), options).await).await;
        assert_eq!(said, text, "{server}, a purge");
        let options = QueueDeleteOptions::default();
        let said = other.outcome(async |channel| channel.queue_delete("private".into(), options).await).await;
        assert_eq!(said, text, "{server}, a deletion");

        // anybody may publish to it, and its owner on each channel does as it likes
        put(&other.confirming().await, "private", ["hello"]).await;
        assert!(get(&owner.channel().await, "private").await.is_some(), "{server}");
    }
}

#[tokio::test]
async fn whether_a_queue_is_exclusive_cannot_be_changed() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.channel().await;
        let [exclusive, shared] = [QueueDeclareOptions::exclusive(), QueueDeclareOptions::default()];
        declare(&channel, "private", exclusive).await.expect("declared");
        let said = client.outcome(async |channel| declare(channel, "private", shared).await).await;
        assert_eq!(said, locked("private"), "{server}");
        declare(&channel, "public", durable()).await.expect("declared");
        let options = QueueDeclareOptions { exclusive: true, ..durable() };
        let said = client.outcome(async |channel| declare(channel, "public", options).await).await;
        assert_eq!(said, locked("public"), "{server}");
    }
}

#[tokio::test]
async fn an_exclusive_queue_ends_with_its_connection_and_not_with_its_channel() {
    for server in servers().await {
        let [owner, other] = [Client::of(&server).await, Client::of(&server).await];
        let channel = owner.channel().await;
        declare(&channel, "private", QueueDeclareOptions::exclusive()).await.expect("declared");
        declare(&channel, "durable", QueueDeclareOptions { exclusive: true, ..durable() })
            .await
            .expect("declared");
        channel.close(200, "done".into()).await.expect("closed");
        look(&owner.channel().await, "private").await.expect("still there");
        owner.close().await;
        gone(&other, "private").await;
        gone(&other, "durable").await;
    }
}

#[tokio::test]
async fn an_auto_delete_queue_ends_with_its_last_consumer() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.channel().await;
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default().auto_delete() };
        declare(&channel, "short-lived", options).await.expect("declared");
        // it waits for its first one
        get(&channel, "short-lived").await.ok_or(()).expect_err("an empty queue");
        let mut consumers = Vec::new();
        for tag in ["one", "two"] {
            let options = BasicConsumeOptions::default();
            consumers.push(consume_with(&channel, "short-lived", tag, options, FieldTable::default()).await);
        }
        channel.basic_cancel("one".into(), BasicCancelOptions::default()).await.expect("cancelled");
        look(&channel, "short-lived").await.expect("one is left");
        channel.basic_cancel("two".into(), BasicCancelOptions::default()).await.expect("cancelled");
        gone(&client, "short-lived").await;
    }
}

#[tokio::test]
async fn an_auto_delete_queue_ends_when_its_last_consumer_is_cut_off() {
    for server in servers().await {
        let watcher = Client::of(&server).await;
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default().auto_delete() };

        let client = Client::of(&server).await;
        let channel = client.channel().await;
        declare(&channel, "short-lived", options).await.expect("declared");
        let _consumer = consume(&channel, "short-lived").await;
        channel.close(200, "done".into()).await.expect("closed");
        gone(&watcher, "short-lived").await;

        let channel = client.channel().await;
        declare(&channel, "short-lived", options).await.expect("declared");
        let _consumer = consume(&channel, "short-lived").await;
        client.close().await;
        gone(&watcher, "short-lived").await;
    }
}

#[tokio::test]
async fn an_equivalent_declaration_is_allowed() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.channel().await;
        queue(&channel, "plain", []).await;
        for arguments in [
            table([]),
            table([("x-queue-type", text("classic"))]),
            table([("x-no-such-argument", text("value"))]),
        ] {
            let said = client
                .outcome(async |channel| channel.queue_declare("plain".into(), durable(), arguments).await)
                .await;
            assert_eq!(said, ALLOWED, "{server}");
        }
        // a passive declaration says nothing of how the queue should be
        let options = QueueDeclareOptions { auto_delete: true, ..QueueDeclareOptions::default().passive() };
        let said = client.outcome(async |channel| declare(channel, "plain", options).await).await;
        assert_eq!(said, ALLOWED, "{server}");
    }
}

#[tokio::test]
async fn names_lose_their_line_ends() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.channel().await;
        let declared = queue(&channel, "two\r\nlines\n", []).await;
        assert_eq!(declared.name().as_str(), "twolines", "{server}");
        look(&channel, "twolines").await.expect("it is there");
    }
}
