//! Quorum queues: what they do beyond classic ones.

use lapin::message::Delivery;
use lapin::options::{BasicRecoverOptions, BasicRejectOptions};
use lapin::types::AMQPValue;
use lapin::{BasicProperties, Channel};

use super::dead_letters::{Death, deaths, first_death};
use crate::client::{
    Client, GIVE_BACK, THROW_AWAY, body, consume, drain, durable, get, header, holds, next, number, publish,
    put, queue, table, take, text, waiting,
};
use crate::servers::servers;

/// Declares a quorum queue whose dead go to the queue `dead`.
async fn quorum<const N: usize>(channel: &Channel, name: &str, arguments: [(&str, AMQPValue); N]) {
    queue(channel, "dead", []).await;
    let mut all = table(arguments);
    for (argument, value) in
        [("x-queue-type", "quorum"), ("x-dead-letter-exchange", ""), ("x-dead-letter-routing-key", "dead")]
    {
        all.insert(argument.into(), text(value));
    }
    channel.queue_declare(name.into(), durable(), all).await.expect("a quorum queue");
}

/// How often a message was given back, as its header says; none where it never was.
fn count(delivery: &Delivery) -> Option<i64> {
    match header(delivery, "x-delivery-count") {
        // RabbitMQ 3 says so to who gets a message, and to no consumer
        None | Some(AMQPValue::LongLongInt(0)) => None,
        Some(AMQPValue::LongLongInt(count)) => Some(*count),
        Some(other) => panic!("a count of another type: {other:?}"),
    }
}

#[tokio::test]
async fn a_message_tells_how_often_it_was_given_back() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        quorum(&channel, "solid", []).await;
        put(&channel, "solid", ["a"]).await;
        let mut consumer = consume(&channel, "solid").await;
        for expected in [None, Some(1), Some(2), Some(3)] {
            let delivery = next(&mut consumer).await;
            assert_eq!((count(&delivery), delivery.redelivered), (expected, expected.is_some()), "{server}");
            delivery.nack(GIVE_BACK).await.expect("given back");
        }
        next(&mut consumer).await;
        // in whatever way: by a channel's end, a rejection, a recovery
        channel.close(200, "done".into()).await.expect("closed");
        let channel = client.channel().await;
        holds(&channel, "solid", 1).await;
        let message = get(&channel, "solid").await.expect("the message");
        assert_eq!(count(&message), Some(5), "{server}");
        message.reject(BasicRejectOptions { requeue: true }).await.expect("given back");
        holds(&channel, "solid", 1).await;
        let message = get(&channel, "solid").await.expect("the message");
        assert_eq!(count(&message), Some(6), "{server}");
        channel.basic_recover(BasicRecoverOptions { requeue: true }).await.expect("recovered");
        holds(&channel, "solid", 1).await;
        let message = get(&channel, "solid").await.expect("the message");
        assert_eq!(count(&message), Some(7), "{server}");
    }
}

#[tokio::test]
async fn headers_that_are_there_stay_beside_the_count() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        quorum(&channel, "solid", []).await;
        let headers = table([("colour", text("red"))]);
        publish(&channel, "", "solid", "a", BasicProperties::default().with_headers(headers)).await;
        let mut consumer = consume(&channel, "solid").await;
        for expected in [None, Some(1)] {
            let delivery = next(&mut consumer).await;
            assert_eq!(header(&delivery, "colour"), Some(&text("red")), "{server}");
            assert_eq!(count(&delivery), expected, "{server}");
            delivery.nack(GIVE_BACK).await.expect("given back");
        }
    }
}

#[tokio::test]
async fn a_message_beyond_the_delivery_limit_dies() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        for limit in 0..3 {
            let name = format!("limit-{limit}");
            quorum(&channel, &name, [("x-delivery-limit", number(limit))]).await;
            put(&channel, &name, ["poison"]).await;
            let mut consumer = consume(&channel, &name).await;
            for _ in 0..=limit {
                next(&mut consumer).await.nack(GIVE_BACK).await.expect("given back");
            }
            let dead = take(&channel, "dead").await;
            assert_eq!(deaths(&dead), [Death::new(&name, "delivery_limit", 1, "", &name)], "{server}");
            assert_eq!(first_death(&dead), [name.as_str(), "delivery_limit", ""], "{server}");
            // where it is now it was never delivered before
            assert_eq!((count(&dead), dead.redelivered), (None, false), "{server}");
            assert_eq!(waiting(&channel, &name).await, 0, "{server}");
        }
    }
}

#[tokio::test]
async fn a_message_beyond_the_delivery_limit_is_gone_where_the_dead_have_no_place() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        queue(&channel, "solid", [("x-queue-type", text("quorum")), ("x-delivery-limit", number(1))]).await;
        put(&channel, "solid", ["poison"]).await;
        let mut consumer = consume(&channel, "solid").await;
        for _ in 0..2 {
            next(&mut consumer).await.nack(GIVE_BACK).await.expect("given back");
        }
        put(&channel, "solid", ["fine"]).await;
        assert_eq!(body(&next(&mut consumer).await), "fine", "{server}");
    }
}

#[tokio::test]
async fn a_channels_end_counts_towards_the_limit() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let watcher = client.confirming().await;
        quorum(&watcher, "solid", [("x-delivery-limit", number(1))]).await;
        put(&watcher, "solid", ["poison"]).await;
        for _ in 0..2 {
            let channel = client.channel().await;
            let mut consumer = consume(&channel, "solid").await;
            next(&mut consumer).await;
            channel.close(200, "done".into()).await.expect("closed");
        }
        assert_eq!(body(&take(&watcher, "dead").await), "poison", "{server}");
    }
}

#[tokio::test]
async fn a_message_that_comes_in_again_is_counted_anew() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        quorum(&channel, "solid", []).await;
        put(&channel, "solid", ["a"]).await;
        let mut consumer = consume(&channel, "solid").await;
        next(&mut consumer).await.nack(GIVE_BACK).await.expect("given back");
        next(&mut consumer).await.nack(THROW_AWAY).await.expect("rejected");
        let dead = take(&channel, "dead").await;
        assert_eq!(deaths(&dead), [Death::new("solid", "rejected", 1, "", "solid")], "{server}");
        assert_eq!(count(&dead), None, "{server}");
    }
}

#[tokio::test]
async fn the_dead_arrive_at_least_once_where_the_queue_says_so() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        let strategy = ("x-dead-letter-strategy", text("at-least-once"));
        let overflow = ("x-overflow", text("reject-publish"));
        quorum(&channel, "solid", [strategy, overflow, ("x-delivery-limit", number(0))]).await;

        put(&channel, "solid", ["rejected"]).await;
        get(&channel, "solid").await.expect("a message").nack(THROW_AWAY).await.expect("rejected");
        let dead = take(&channel, "dead").await;
        assert_eq!(body(&dead), "rejected", "{server}");
        assert_eq!(deaths(&dead), [Death::new("solid", "rejected", 1, "", "solid")], "{server}");

        put(&channel, "solid", ["poison"]).await;
        get(&channel, "solid").await.expect("a message").nack(GIVE_BACK).await.expect("given back");
        let dead = take(&channel, "dead").await;
        assert_eq!(deaths(&dead), [Death::new("solid", "delivery_limit", 1, "", "solid")], "{server}");

        let properties = BasicProperties::default().with_expiration("50".into());
        publish(&channel, "", "solid", "too old", properties).await;
        let dead = take(&channel, "dead").await;
        let mut death = Death::new("solid", "expired", 1, "", "solid");
        death.original_expiration = Some("50".to_owned());
        assert_eq!((deaths(&dead), dead.properties.expiration()), (vec![death], &None), "{server}");
    }
}

#[tokio::test]
async fn the_dead_that_must_arrive_keep_their_order() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        let strategy = ("x-dead-letter-strategy", text("at-least-once"));
        quorum(&channel, "solid", [strategy, ("x-overflow", text("reject-publish"))]).await;
        put(&channel, "solid", ["a", "b", "c", "d"]).await;
        let mut consumer = consume(&channel, "solid").await;
        for _ in 0..4 {
            next(&mut consumer).await.nack(THROW_AWAY).await.expect("rejected");
        }
        holds(&channel, "dead", 4).await;
        assert_eq!(drain(&channel, "dead").await, ["a", "b", "c", "d"], "{server}");
    }
}

#[tokio::test]
async fn what_is_given_back_comes_again_whatever_its_place() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        quorum(&channel, "solid", []).await;
        put(&channel, "solid", ["a", "b", "c", "d"]).await;
        let [a, b] = [get(&channel, "solid").await, get(&channel, "solid").await];
        for message in [b, a].into_iter().flatten() {
            message.nack(GIVE_BACK).await.expect("given back");
        }
        holds(&channel, "solid", 4).await;
        let mut all = drain(&channel, "solid").await;
        // RabbitMQ 3 puts them last, and 4 first
        let new: Vec<&String> = all.iter().filter(|body| ["c", "d"].contains(&body.as_str())).collect();
        assert_eq!(new, ["c", "d"], "{server}");
        all.sort();
        assert_eq!(all, ["a", "b", "c", "d"], "{server}");
    }
}
