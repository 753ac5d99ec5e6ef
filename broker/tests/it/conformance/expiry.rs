//! Messages that grow too old, and queues that nobody uses.

use lapin::options::ExchangeDeclareOptions;
use lapin::{BasicProperties, Channel, Confirmation, ExchangeKind};

use crate::client::{
    ALLOWED, Client, DEADLINE, GIVE_BACK, bodies, body, consume, drain, get, holds, look, next, number,
    publish, put, queue, table, text,
};
use crate::servers::servers;

const KINDS: [&str; 2] = ["classic", "quorum"];

/// Puts a message into a queue, with this many milliseconds to live.
async fn put_for(channel: &Channel, queue: &str, body: &str, expiration: &str) {
    let properties = BasicProperties::default().with_expiration(expiration.into());
    assert_eq!(publish(channel, "", queue, body, properties).await, Confirmation::Ack(None));
}

/// Waits until a message that lives so long, and is put into a queue of its own now, is gone: those that were
/// put elsewhere before with no more time to live have lived, too.
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
            assert_eq!(
                left.properties.expiration().as_ref().expect("kept").as_str(),
                "600000",
                "{server}, {kind}"
            );
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
            put_for(&channel, kind, "a", "1000").await;
            let message = get(&channel, kind).await.expect("in time");
            live_out(&channel, "1100").await;
            message.nack(GIVE_BACK).await.expect("back");
            holds(&channel, kind, 0).await;
            assert!(get(&channel, kind).await.is_none(), "{server}, {kind}");
        }
    }
}

/// Declares a queue that goes when it was not used for so many milliseconds, and ties an exchange to it that
/// goes with it: whether that is there can be asked without using the queue.
async fn fleeting(channel: &Channel, name: &str, kind: &str, expires: i64) {
    queue(channel, name, [("x-queue-type", text(kind)), ("x-expires", number(expires))]).await;
    let options = ExchangeDeclareOptions { auto_delete: true, ..Default::default() };
    channel
        .exchange_declare(name.into(), ExchangeKind::Fanout, options, table([]))
        .await
        .expect("an exchange");
    let bound = channel.queue_bind(name.into(), name.into(), "".into(), Default::default(), table([]));
    bound.await.expect("a binding");
}

/// Whether there is such a queue still.
async fn is_there(client: &Client, queue: &str) -> bool {
    let options = ExchangeDeclareOptions { passive: true, ..Default::default() };
    let said = client
        .outcome(async |channel| {
            channel.exchange_declare(queue.into(), ExchangeKind::Fanout, options, table([])).await
        })
        .await;
    said == ALLOWED
}

/// Waits until a queue is gone.
async fn gone(client: &Client, queue: &str) {
    testkit::eventually(&format!("the end of {queue}"), DEADLINE, async || {
        (!is_there(client, queue).await).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_queue_that_nobody_uses_goes() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.channel().await;
        for kind in KINDS {
            let used = format!("used-{kind}");
            fleeting(&channel, &used, kind, 1000).await;
            let consumer = consume(&channel, &used).await;
            fleeting(&channel, kind, kind, 1500).await;
            assert!(is_there(&client, kind).await, "{server}, {kind}");
            gone(&client, kind).await;
            assert!(is_there(&client, &used).await, "{server}, {kind}: it has a consumer");
            channel.basic_cancel(consumer.tag(), Default::default()).await.expect("cancelled");
            gone(&client, &used).await;
        }
    }
}

#[tokio::test]
async fn getting_and_declaring_are_uses_of_a_queue() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.channel().await;
        for (name, expires) in [("got", 3000), ("declared", 3000), ("neither", 3000)] {
            fleeting(&channel, name, "classic", expires).await;
        }
        testkit::eventually("the end of the one that was not used", DEADLINE, async || {
            assert!(get(&channel, "got").await.is_none(), "{server}");
            queue(&channel, "declared", [("x-queue-type", text("classic")), ("x-expires", number(3000))])
                .await;
            (!is_there(&client, "neither").await).then_some(())
        })
        .await;
        assert!(is_there(&client, "got").await && is_there(&client, "declared").await, "{server}");
    }
}

#[tokio::test]
async fn a_queue_that_expires_goes_with_its_messages() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        for kind in KINDS {
            fleeting(&channel, kind, kind, 700).await;
            put(&channel, kind, ["a"]).await;
            gone(&client, kind).await;
            let said = client.outcome(async |channel| look(channel, kind).await).await;
            assert_eq!(said, format!("channel 404 NOT_FOUND - no queue '{kind}' in vhost '/'"), "{server}");
            let again = queue(&channel, kind, []).await;
            assert_eq!(again.message_count(), 0, "{server}, {kind}");
        }
    }
}
