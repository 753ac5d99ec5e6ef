//! Messages that grow too old, and queues that nobody uses.

use lapin::options::{BasicGetOptions, BasicPublishOptions, QueueDeclareOptions};
use lapin::{BasicProperties, Channel, Confirmation};

use crate::client::{
    Client, DEADLINE, bodies, body, consume, drain, get, holds, look, next, number, publish, put, queue, table, text,
    waiting,
};
use crate::servers::servers;

const KINDS: [&str; 2] = ["classic", "quorum"];

/// Puts a message into a queue, with this many milliseconds to live.
async fn put_for(channel: &Channel, queue: &str, body: &str, expiration: &str) {
    let properties = BasicProperties::default().with_expiration(expiration.into());
    assert_eq!(publish(channel, "", queue, body, properties).await, Confirmation::Ack(None));
}

/// Waits until a message that lives so long, and is put into a queue of its own now, is gone: those that were put
/// elsewhere before with no more time to live have lived, too.
async fn live_out(channel: &Channel, expiration: &str) {
    queue(channel, "clock", []).await;
    put_for(channel, "clock", "tick", expiration).await;
    holds(channel, "clock", 0).await;
}

#[tokio::test]
async fn a_message_lives_as_long_as_it_says() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        for kind in KINDS {
            queue(&channel, kind, [("x-queue-type", text(kind))]).await;
            put_for(&channel, kind, "short", "50").await;
            put_for(&channel, kind, "long", "600000").await;
            holds(&channel, kind, 1).await;
            let left = get(&channel, kind).await.expect("a message");
            assert_eq!(body(&left), "long", "{server}, {kind}");
            assert_eq!(left.properties.expiration().as_ref().expect("kept").as_str(), "600000", "{server}, {kind}");
        }
    }
}

#[tokio::test]
async fn a_queue_says_how_long_its_messages_live() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        for kind in KINDS {
            queue(&channel, kind, [("x-queue-type", text(kind)), ("x-message-ttl", number(50))]).await;
            put(&channel, kind, ["a", "b"]).await;
            holds(&channel, kind, 0).await;
            assert!(get(&channel, kind).await.is_none(), "{server}, {kind}");
        }
    }
}

#[tokio::test]
async fn the_shorter_of_both_counts() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        for kind in KINDS {
            let (short, long) = (format!("short-{kind}"), format!("long-{kind}"));
            queue(&channel, &short, [("x-queue-type", text(kind)), ("x-message-ttl", number(50))]).await;
            queue(&channel, &long, [("x-queue-type", text(kind)), ("x-message-ttl", number(600_000))]).await;
            put_for(&channel, &short, "a", "600000").await;
            put_for(&channel, &long, "a", "50").await;
            put(&channel, &long, ["b"]).await;
            holds(&channel, &short, 0).await;
            holds(&channel, &long, 1).await;
            assert_eq!(drain(&channel, &long).await, ["b"], "{server}, {kind}");
        }
    }
}

#[tokio::test]
async fn what_is_out_with_a_consumer_does_not_grow_old() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for kind in KINDS {
            let channel = client.confirming().await;
            queue(&channel, kind, [("x-queue-type", text(kind)), ("x-message-ttl", number(100))]).await;
            let mut consumer = consume(&channel, kind).await;
            put(&channel, kind, ["a"]).await;
            let delivery = next(&mut consumer).await;
            live_out(&channel, "200").await;
            assert!(delivery.ack(Default::default()).await.expect("acknowledged"), "{server}, {kind}");
            look(&channel, kind).await.expect("an open channel");
        }
    }
}

#[tokio::test]
async fn no_time_to_live_is_just_enough_for_a_consumer_that_waits() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for kind in KINDS {
            let channel = client.confirming().await;
            queue(&channel, kind, [("x-queue-type", text(kind))]).await;
            put_for(&channel, kind, "missed", "0").await;
            holds(&channel, kind, 0).await;
            assert!(get(&channel, kind).await.is_none(), "{server}, {kind}");
            let mut consumer = consume(&channel, kind).await;
            put_for(&channel, kind, "caught", "0").await;
            assert_eq!(bodies(&mut consumer, 1).await, ["caught"], "{server}, {kind}");
        }
    }
}

#[tokio::test]
async fn a_message_that_is_too_old_is_never_delivered_even_behind_others() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for kind in KINDS {
            let channel = client.confirming().await;
            queue(&channel, kind, [("x-queue-type", text(kind))]).await;
            put(&channel, kind, ["first"]).await;
            put_for(&channel, kind, "too old", "50").await;
            put(&channel, kind, ["last"]).await;
            live_out(&channel, "100").await;
            assert_eq!(drain(&channel, kind).await, ["first", "last"], "{server}, {kind}");
        }
    }
}

#[tokio::test]
async fn a_message_that_is_given_back_too_late_is_gone() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for kind in KINDS {
            let channel = client.confirming().await;
            queue(&channel, kind, [("x-queue-type", text(kind))]).await;
            put_for(&channel, kind, "a", "200").await;
            let message = get(&channel, kind).await.expect("in time");
            live_out(&channel, "250").await;
            message.nack(lapin::options::BasicNackOptions { requeue: true, ..Default::default() }).await.expect("back");
            holds(&channel, kind, 0).await;
            assert!(get(&channel, kind).await.is_none(), "{server}, {kind}");
        }
    }
}

/// Whether there is such a queue, as a publisher finds out: that is no use of it, as a declaration would be.
async fn is_there(channel: &Channel, queue: &str) -> bool {
    let options = BasicPublishOptions { mandatory: true, ..Default::default() };
    let published = channel.basic_publish("".into(), queue.into(), options, b"", BasicProperties::default());
    let confirmed = published.await.expect("published").await.expect("confirmed");
    confirmed.take_message().is_none()
}

/// Waits until a queue is gone.
async fn gone(channel: &Channel, queue: &str) {
    testkit::eventually(&format!("the end of {queue}"), DEADLINE, async || {
        (!is_there(channel, queue).await).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_queue_that_nobody_uses_goes() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        for kind in KINDS {
            let used = format!("used-{kind}");
            for (name, expires) in [(used.as_str(), 100), (kind, 300)] {
                queue(&channel, name, [("x-queue-type", text(kind)), ("x-expires", number(expires))]).await;
            }
            let consumer = consume(&channel, &used).await;
            assert!(is_there(&channel, kind).await, "{server}, {kind}");
            gone(&channel, kind).await;
            assert!(is_there(&channel, &used).await, "{server}, {kind}: it has a consumer");
            let cancelled = channel.basic_cancel(consumer.tag(), Default::default());
            cancelled.await.expect("cancelled");
            gone(&channel, &used).await;
        }
    }
}

#[tokio::test]
async fn getting_and_declaring_are_uses_of_a_queue() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        let expires = |after: i64| [("x-expires", number(after))];
        queue(&channel, "got", expires(1500)).await;
        queue(&channel, "declared", expires(1500)).await;
        // as long as these three last one after the other, the others would have gone
        for clock in ["one", "two", "three"] {
            queue(&channel, clock, expires(600)).await;
            gone(&channel, clock).await;
            channel.basic_get("got".into(), BasicGetOptions { no_ack: true }).await.expect("still there");
            queue(&channel, "declared", expires(1500)).await;
        }
        assert!(is_there(&channel, "got").await && is_there(&channel, "declared").await, "{server}");
    }
}

#[tokio::test]
async fn an_expired_exclusive_queue_is_gone_for_its_connection_as_well() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        let options = QueueDeclareOptions::exclusive();
        let arguments = table([("x-expires", number(50))]);
        channel.queue_declare("private".into(), options, arguments).await.expect("declared");
        gone(&channel, "private").await;
        let said = client.outcome(async |channel| look(channel, "private").await).await;
        assert_eq!(said, "channel 404 NOT_FOUND - no queue 'private' in vhost '/'", "{server}");
    }
}

#[tokio::test]
async fn messages_do_not_keep_a_queue() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        queue(&channel, "full", [("x-expires", number(200))]).await;
        put(&channel, "full", ["a"]).await;
        assert_eq!(waiting(&channel, "full").await, 1, "{server}");
        gone(&channel, "full").await;
    }
}
