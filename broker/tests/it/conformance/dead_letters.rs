//! Messages that a queue gives up, and where they go.

use lapin::message::Delivery;
use lapin::options::{BasicNackOptions, BasicRejectOptions, ExchangeDeclareOptions, QueueBindOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation, ExchangeKind};

use crate::client::{
    Client, DEADLINE, GIVE_BACK, THROW_AWAY, body, consume, drain, get, header, holds, next, number, publish,
    put, queue, round_trip, table, take, text,
};
use crate::servers::{Server, servers};

const KINDS: [&str; 2] = ["classic", "quorum"];

/// One entry of `x-death`: what became of a message in one queue, for one reason.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Death {
    queue: String,
    reason: String,
    count: i64,
    exchange: String,
    routing_keys: Vec<String>,
    pub(super) original_expiration: Option<String>,
}

impl Death {
    pub(super) fn new(queue: &str, reason: &str, count: i64, exchange: &str, routing_key: &str) -> Self {
        Self {
            queue: queue.to_owned(),
            reason: reason.to_owned(),
            count,
            exchange: exchange.to_owned(),
            routing_keys: vec![routing_key.to_owned()],
            original_expiration: None,
        }
    }

    fn of(entry: &FieldTable) -> Self {
        let entry = entry.inner();
        let Some(AMQPValue::Timestamp(time)) = entry.get("time") else { panic!("no time in {entry:?}") };
        assert!((1_600_000_000..10_000_000_000).contains(time), "seconds since 1970: {time}");
        let Some(AMQPValue::LongLongInt(count)) = entry.get("count") else { panic!("no count in {entry:?}") };
        let Some(AMQPValue::FieldArray(keys)) = entry.get("routing-keys") else {
            panic!("no keys in {entry:?}")
        };
        Self {
            queue: string(&entry["queue"]),
            reason: string(&entry["reason"]),
            count: *count,
            exchange: string(&entry["exchange"]),
            routing_keys: keys.as_slice().iter().map(string).collect(),
            original_expiration: entry.get("original-expiration").map(string),
        }
    }
}

fn string(value: &AMQPValue) -> String {
    let AMQPValue::LongString(text) = value else { panic!("no text: {value:?}") };
    text.to_string()
}

/// The `x-death` of a message, the newest entry first.
pub(super) fn deaths(message: &Delivery) -> Vec<Death> {
    let Some(AMQPValue::FieldArray(entries)) = header(message, "x-death") else {
        panic!("no x-death: {:?}", message.properties);
    };
    let entry = |value: &AMQPValue| match value {
        AMQPValue::FieldTable(entry) => Death::of(entry),
        other => panic!("no entry of x-death: {other:?}"),
    };
    entries.as_slice().iter().map(entry).collect()
}

/// Asserts what the `x-death` of a message says, the newest entry first. RabbitMQ 3 turns the others round
/// each time.
fn assert_deaths(message: &Delivery, expected: Vec<Death>, server: &Server) {
    let mut said = deaths(message);
    if said.len() == expected.len() && said[1..].iter().rev().eq(&expected[1..]) {
        said[1..].reverse();
    }
    assert_eq!(said, expected, "{server}");
}

/// What the headers say of where a message died first.
pub(super) fn first_death(message: &Delivery) -> [String; 3] {
    ["x-first-death-queue", "x-first-death-reason", "x-first-death-exchange"].map(|name| {
        string(header(message, name).unwrap_or_else(|| panic!("no {name}: {:?}", message.properties)))
    })
}

/// Where the dead go: an exchange, and a queue behind it.
async fn grave(channel: &Channel) {
    let options = ExchangeDeclareOptions { durable: true, ..Default::default() };
    channel
        .exchange_declare("grave".into(), ExchangeKind::Fanout, options, table([]))
        .await
        .expect("declared");
    queue(channel, "dead", []).await;
    bind(channel, "dead", "grave").await;
}

async fn bind(channel: &Channel, queue: &str, exchange: &str) {
    let options = QueueBindOptions::default();
    let bound = channel.queue_bind(queue.into(), exchange.into(), "#".into(), options, table([]));
    bound.await.expect("bound");
}

fn to_grave() -> (&'static str, AMQPValue) {
    ("x-dead-letter-exchange", text("grave"))
}

fn of_kind(kind: &str) -> (&'static str, AMQPValue) {
    ("x-queue-type", text(kind))
}

/// Rejects the first message of a queue for good.
async fn reject(channel: &Channel, queue: &str) {
    let message = testkit::eventually("a message", DEADLINE, async || get(channel, queue).await).await;
    message.nack(THROW_AWAY).await.expect("rejected");
}

#[tokio::test]
async fn a_rejected_message_goes_to_the_exchange_for_the_dead_with_word_of_its_death() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        grave(&channel).await;
        for kind in KINDS {
            queue(&channel, kind, [of_kind(kind), to_grave()]).await;
            bind(&channel, kind, "amq.topic").await;
            let properties = BasicProperties::default()
                .with_headers(table([("colour", text("red"))]))
                .with_message_id("17".into())
                .with_delivery_mode(2);
            publish(&channel, "amq.topic", "some.key", "hello", properties).await;
            let message = get(&channel, kind).await.expect("the message");
            message.reject(BasicRejectOptions { requeue: false }).await.expect("rejected");

            let dead = take(&channel, "dead").await;
            assert_eq!(body(&dead), "hello", "{server}, {kind}");
            assert_eq!(dead.exchange.as_str(), "grave", "{server}, {kind}");
            assert_eq!(dead.routing_key.as_str(), "some.key", "{server}, {kind}: its own");
            assert!(!dead.redelivered, "{server}, {kind}");
            let death = Death::new(kind, "rejected", 1, "amq.topic", "some.key");
            assert_eq!(deaths(&dead), [death], "{server}, {kind}");
            assert_eq!(first_death(&dead), [kind, "rejected", "amq.topic"], "{server}, {kind}");
            // what it was stays
            assert_eq!(header(&dead, "colour"), Some(&text("red")), "{server}, {kind}");
            assert_eq!(
                dead.properties.message_id().as_ref().map(|id| id.as_str()),
                Some("17"),
                "{server}, {kind}"
            );
            assert_eq!(*dead.properties.delivery_mode(), Some(2), "{server}, {kind}");
            channel.queue_delete(kind.into(), Default::default()).await.expect("deleted");
        }
    }
}

#[tokio::test]
async fn a_nacked_message_dies_as_a_rejected_one_and_one_given_back_does_not() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        grave(&channel).await;
        for kind in KINDS {
            queue(&channel, kind, [of_kind(kind), to_grave()]).await;
            put(&channel, kind, ["a", "b", "c"]).await;
            for _ in 0..2 {
                get(&channel, kind).await.expect("a message");
            }
            let third = get(&channel, kind).await.expect("a message");
            third.nack(BasicNackOptions { multiple: true, requeue: false }).await.expect("all three");
            holds(&channel, "dead", 3).await;
            assert_eq!(drain(&channel, "dead").await, ["a", "b", "c"], "{server}, {kind}");

            put(&channel, kind, ["d"]).await;
            let message = get(&channel, kind).await.expect("a message");
            message.nack(GIVE_BACK).await.expect("given back");
            holds(&channel, kind, 1).await;
            assert!(drain(&channel, "dead").await.is_empty(), "{server}, {kind}");
        }
    }
}

#[tokio::test]
async fn a_message_that_is_too_old_dies_and_is_old_no_more() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        grave(&channel).await;
        for kind in KINDS {
            queue(&channel, kind, [of_kind(kind), to_grave()]).await;
            publish(&channel, "", kind, "hello", BasicProperties::default().with_expiration("50".into()))
                .await;
            let dead = take(&channel, "dead").await;
            let mut death = Death::new(kind, "expired", 1, "", kind);
            death.original_expiration = Some("50".to_owned());
            assert_eq!(deaths(&dead), [death], "{server}, {kind}");
            assert_eq!(first_death(&dead), [kind, "expired", ""], "{server}, {kind}");
            assert_eq!(dead.properties.expiration(), &None, "{server}, {kind}: it would die again");
        }
    }
}

#[tokio::test]
async fn a_message_that_its_queue_finds_too_old_dies_as_well() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        grave(&channel).await;
        for kind in KINDS {
            queue(&channel, kind, [of_kind(kind), to_grave(), ("x-message-ttl", number(50))]).await;
            put(&channel, kind, ["hello"]).await;
            let dead = take(&channel, "dead").await;
            assert_eq!(deaths(&dead), [Death::new(kind, "expired", 1, "", kind)], "{server}, {kind}");
        }
    }
}

#[tokio::test]
async fn what_a_full_queue_drops_or_refuses_dies() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        grave(&channel).await;
        for kind in KINDS {
            queue(&channel, kind, [of_kind(kind), to_grave(), ("x-max-length", number(1))]).await;
            put(&channel, kind, ["a", "b"]).await;
            let dead = take(&channel, "dead").await;
            assert_eq!(body(&dead), "a", "{server}, {kind}");
            assert_eq!(deaths(&dead), [Death::new(kind, "maxlen", 1, "", kind)], "{server}, {kind}");
        }

        let overflow = |how: &str| ("x-overflow", text(how));
        let strict = [to_grave(), ("x-max-length", number(1)), overflow("reject-publish")];
        queue(&channel, "strict", strict).await;
        let thrifty = [to_grave(), ("x-max-length", number(1)), overflow("reject-publish-dlx")];
        queue(&channel, "thrifty", thrifty).await;
        for name in ["strict", "thrifty"] {
            put(&channel, name, ["a"]).await;
            let confirmed = publish(&channel, "", name, "b", BasicProperties::default()).await;
            assert_eq!(confirmed, Confirmation::Nack(None), "{server}, {name}");
        }
        // only one of them keeps what it refuses
        let dead = take(&channel, "dead").await;
        assert_eq!(deaths(&dead), [Death::new("thrifty", "maxlen", 1, "", "thrifty")], "{server}");
        assert!(drain(&channel, "dead").await.is_empty(), "{server}");
    }
}

#[tokio::test]
async fn a_queue_may_give_its_dead_another_key() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        queue(&channel, "dead", []).await;
        for kind in KINDS {
            let exchange = ("x-dead-letter-exchange", text(""));
            let key = ("x-dead-letter-routing-key", text("dead"));
            queue(&channel, kind, [of_kind(kind), exchange, key]).await;
            put(&channel, kind, ["hello"]).await;
            reject(&channel, kind).await;
            let dead = take(&channel, "dead").await;
            assert_eq!(dead.exchange.as_str(), "", "{server}, {kind}");
            assert_eq!(dead.routing_key.as_str(), "dead", "{server}, {kind}");
            assert_eq!(deaths(&dead), [Death::new(kind, "rejected", 1, "", kind)], "{server}, {kind}");
        }
    }
}

#[tokio::test]
async fn the_dead_are_gone_where_there_is_no_exchange_for_them_or_no_queue() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        for kind in KINDS {
            for (name, exchange) in [("nowhere", "missing"), ("nobody", "amq.fanout")] {
                let name = format!("{name}-{kind}");
                queue(&channel, &name, [of_kind(kind), ("x-dead-letter-exchange", text(exchange))]).await;
                put(&channel, &name, ["hello"]).await;
                reject(&channel, &name).await;
                // nothing ends, and nothing comes back
                round_trip(&channel).await.expect("an open channel");
                put(&channel, &name, ["next"]).await;
                holds(&channel, &name, 1).await;
                assert_eq!(drain(&channel, &name).await, ["next"], "{server}, {name}");
            }
        }
    }
}

#[tokio::test]
async fn each_queue_and_reason_has_an_entry_and_the_newest_comes_first() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for kind in KINDS {
            let channel = client.confirming().await;
            let [first, second, last] = ["first", "second", "last"].map(|name| format!("{name}-{kind}"));
            let to = |queue: &str| {
                [
                    of_kind(kind),
                    ("x-dead-letter-exchange", text("")),
                    ("x-dead-letter-routing-key", text(queue)),
                ]
            };
            queue(&channel, &first, to(&second)).await;
            queue(&channel, &second, to(&last)).await;
            queue(&channel, &last, to(&first)).await;
            put(&channel, &first, ["hello"]).await;
            for name in [&first, &second, &last, &first] {
                reject(&channel, name).await;
            }
            let message = take(&channel, &second).await;
            let expected = vec![
                // the key of the first is that under which it came in first
                Death::new(&first, "rejected", 2, "", &first),
                Death::new(&last, "rejected", 1, "", &last),
                Death::new(&second, "rejected", 1, "", &second),
            ];
            assert_deaths(&message, expected, &server);
            assert_eq!(first_death(&message), [first.as_str(), "rejected", ""], "{server}, {kind}");
        }
    }
}

#[tokio::test]
async fn one_queue_may_be_the_end_of_a_message_for_several_reasons() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        for kind in KINDS {
            let again = format!("again-{kind}");
            let to = |queue: &str| {
                [
                    of_kind(kind),
                    ("x-dead-letter-exchange", text("")),
                    ("x-dead-letter-routing-key", text(queue)),
                ]
            };
            queue(&channel, kind, to(&again)).await;
            queue(&channel, &again, to(kind)).await;
            publish(&channel, "", kind, "hello", BasicProperties::default().with_expiration("0".into()))
                .await;
            reject(&channel, &again).await;
            reject(&channel, kind).await;
            let message = take(&channel, &again).await;
            let mut expired = Death::new(kind, "expired", 1, "", kind);
            expired.original_expiration = Some("0".to_owned());
            let expected = vec![
                Death::new(kind, "rejected", 1, "", kind),
                Death::new(&again, "rejected", 1, "", &again),
                expired,
            ];
            assert_deaths(&message, expected, &server);
            assert_eq!(first_death(&message), [kind, "expired", ""], "{server}, {kind}");
        }
    }
}

#[tokio::test]
async fn who_rejects_may_send_a_message_round_for_ever() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for kind in KINDS {
            let channel = client.confirming().await;
            queue(&channel, kind, [of_kind(kind), ("x-dead-letter-exchange", text(""))]).await;
            put(&channel, kind, ["hello"]).await;
            let mut consumer = consume(&channel, kind).await;
            for round in 0..3 {
                let delivery = next(&mut consumer).await;
                match round {
                    0 => assert_eq!(header(&delivery, "x-death"), None, "{server}, {kind}"),
                    _ => assert_eq!(
                        deaths(&delivery),
                        [Death::new(kind, "rejected", round, "", kind)],
                        "{server}"
                    ),
                }
                delivery.nack(THROW_AWAY).await.expect("rejected");
            }
        }
    }
}

#[tokio::test]
async fn a_message_that_only_grows_old_does_not_go_round_in_circles() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        // whoever dies there comes back, and is seen here
        grave(&channel).await;
        for kind in KINDS {
            let [there, back] = ["there", "back"].map(|name| format!("{name}-{kind}"));
            let ttl = || ("x-message-ttl", number(20));
            queue(&channel, &there, [of_kind(kind), to_grave(), ttl()]).await;
            let to = |queue: &str| {
                [("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text(queue))]
            };
            let [exchange, key] = to(&there);
            queue(&channel, &back, [of_kind(kind), exchange, key, ttl()]).await;
            bind(&channel, &back, "grave").await;
            put(&channel, &there, ["round and round"]).await;
            holds(&channel, "dead", 1).await;
            // enough time for some rounds
            queue(&channel, "clock", []).await;
            publish(&channel, "", "clock", "tick", BasicProperties::default().with_expiration("500".into()))
                .await;
            holds(&channel, "clock", 0).await;
            assert_eq!(drain(&channel, "dead").await, ["round and round"], "{server}, {kind}: once");
            holds(&channel, &there, 0).await;
            holds(&channel, &back, 0).await;
            channel.queue_delete(back.as_str().into(), Default::default()).await.expect("deleted");
        }
    }
}

#[tokio::test]
async fn purged_and_deleted_messages_do_not_die_that_way() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        grave(&channel).await;
        for kind in KINDS {
            queue(&channel, kind, [of_kind(kind), to_grave()]).await;
            put(&channel, kind, ["purged"]).await;
            channel.queue_purge(kind.into(), Default::default()).await.expect("purged");
            put(&channel, kind, ["rejected", "deleted"]).await;
            reject(&channel, kind).await;
            channel.queue_delete(kind.into(), Default::default()).await.expect("deleted");
            assert_eq!(body(&take(&channel, "dead").await), "rejected", "{server}, {kind}");
            assert!(drain(&channel, "dead").await.is_empty(), "{server}, {kind}");
        }
    }
}
