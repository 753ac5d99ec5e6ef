//! lapin, with short words for what tests do often.

use std::time::Duration;

use futures::{FutureExt, StreamExt};
use lapin::message::{BasicGetMessage, Delivery};
use lapin::options::{
    BasicConsumeOptions, BasicGetOptions, BasicNackOptions, BasicPublishOptions, BasicQosOptions,
    ConfirmSelectOptions, ExchangeDeclareOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldArray, FieldTable};
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Consumer, ErrorKind, Event,
    ExchangeKind, Queue,
};
use tokio::time::timeout;

use crate::servers::Server;

/// How long anything may take that comes at once on a machine that is not busy.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// What a server says to what it allows, in [`Client::outcome`].
pub const ALLOWED: &str = "allowed";

/// A nack of one message that is to be delivered again.
pub const GIVE_BACK: BasicNackOptions = BasicNackOptions { multiple: false, requeue: true };
/// A nack of one message that is not to be delivered again.
pub const THROW_AWAY: BasicNackOptions = BasicNackOptions { multiple: false, requeue: false };

/// A connection to a server under test.
pub struct Client {
    pub connection: Connection,
    vhost: String,
}

impl Client {
    pub async fn of(server: &Server) -> Self {
        let connection = Connection::connect(&server.url, ConnectionProperties::default()).await;
        let connection = connection.unwrap_or_else(|error| panic!("{server} lets nobody in: {error}"));
        Self { connection, vhost: server.vhost().to_owned() }
    }

    pub async fn channel(&self) -> Channel {
        self.connection.create_channel().await.expect("a channel")
    }

    /// A channel that confirms what is published on it.
    pub async fn confirming(&self) -> Channel {
        let channel = self.channel().await;
        channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
        channel
    }

    /// What the server says to something done on a fresh channel: [`ALLOWED`], or what it ends, with which
    /// code and text. The virtual host is called `/` in texts, whatever its name. What comes of methods
    /// without an answer, too, shows here.
    ///
    /// Consumers belong into what `act` returns: lapin cancels one that is dropped, and where that meets the
    /// end of its channel, lapin calls it an error of the whole connection.
    pub async fn outcome<T>(&self, act: impl AsyncFnOnce(&Channel) -> lapin::Result<T>) -> String {
        let mut events = Box::pin(self.connection.events_listener());
        let channel = self.channel().await;
        let answer = match act(&channel).await {
            Ok(_) => round_trip(&channel).await,
            Err(error) => Err(error),
        };
        let Err(error) = answer else { return ALLOWED.to_owned() };
        // the error may only say that the channel is closed; why it is comes as an event, each time
        let why = async {
            loop {
                match events.next().await {
                    Some(Event::Error(why)) => return why,
                    Some(_) => {}
                    None => panic!("{error}, and nothing says why"),
                }
            }
        };
        let Ok(why) = timeout(DEADLINE, why).await else { panic!("{error}, and nothing says why in time") };
        let ErrorKind::ProtocolError(why) = why.kind() else { panic!("{error}, and then {why}") };
        let text = why.get_message().as_str();
        let text = text.replace(&format!("vhost '{}'", self.vhost), "vhost '/'");
        let reach = match self.connection.create_channel().await {
            Ok(_) => "channel",
            Err(_) => "connection",
        };
        format!("{reach} {} {text}", why.get_id())
    }

    /// Closes the connection, in good order.
    pub async fn close(self) {
        // lapin calls it a failure where a channel was about to be closed, too
        let _ = self.connection.close(200, "done".into()).await;
        testkit::eventually("the end of a connection", DEADLINE, async || {
            (!self.connection.status().connected()).then_some(())
        })
        .await;
    }
}

/// Does something that the server answers, after all that was sent on the channel before, and that changes
/// nothing.
pub async fn round_trip(channel: &Channel) -> lapin::Result<()> {
    let options = ExchangeDeclareOptions { passive: true, ..Default::default() };
    channel.exchange_declare("amq.direct".into(), ExchangeKind::Direct, options, table([])).await
}

/// A table of a method's arguments, or of headers.
pub fn table<const N: usize>(entries: [(&str, AMQPValue); N]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in entries {
        table.insert(name.into(), value);
    }
    table
}

pub fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

pub fn number(number: i64) -> AMQPValue {
    AMQPValue::LongLongInt(number)
}

pub fn list<const N: usize>(values: [AMQPValue; N]) -> AMQPValue {
    AMQPValue::FieldArray(FieldArray::from(Vec::from(values)))
}

pub fn durable() -> QueueDeclareOptions {
    QueueDeclareOptions::durable()
}

/// Declares a durable queue.
pub async fn queue<const N: usize>(
    channel: &Channel,
    name: &str,
    arguments: [(&str, AMQPValue); N],
) -> Queue {
    let declared = channel.queue_declare(name.into(), durable(), table(arguments)).await;
    declared.unwrap_or_else(|error| panic!("a queue {name}: {error}"))
}

/// The queue, as a passive declaration shows it.
pub async fn look(channel: &Channel, queue: &str) -> lapin::Result<Queue> {
    channel.queue_declare(queue.into(), QueueDeclareOptions::default().passive(), table([])).await
}

/// How many messages wait in a queue.
pub async fn waiting(channel: &Channel, queue: &str) -> u32 {
    look(channel, queue).await.expect("the queue").message_count()
}

/// Waits until so many messages wait in a queue.
pub async fn holds(channel: &Channel, queue: &str, messages: u32) {
    testkit::eventually(&format!("{messages} messages in {queue}"), DEADLINE, async || {
        (waiting(channel, queue).await == messages).then_some(())
    })
    .await;
}

/// Publishes to an exchange, and waits for the confirm where the channel has them.
pub async fn publish(
    channel: &Channel,
    exchange: &str,
    key: &str,
    body: &str,
    properties: BasicProperties,
) -> Confirmation {
    let options = BasicPublishOptions::default();
    let published = channel.basic_publish(exchange.into(), key.into(), options, body.as_bytes(), properties);
    published.await.expect("published").await.expect("confirmed")
}

/// Puts messages straight into a queue, on a channel that has confirms.
pub async fn put<const N: usize>(channel: &Channel, queue: &str, bodies: [&str; N]) {
    for body in bodies {
        let confirmed = publish(channel, "", queue, body, BasicProperties::default()).await;
        assert_eq!(confirmed, Confirmation::Ack(None), "{body} into {queue}");
    }
}

/// Takes the first message of a queue, to be acknowledged.
pub async fn get(channel: &Channel, queue: &str) -> Option<BasicGetMessage> {
    channel.basic_get(queue.into(), BasicGetOptions::default()).await.expect("a queue to get from")
}

/// Takes the first message of a queue for good, and waits until there is one.
pub async fn take(channel: &Channel, queue: &str) -> Delivery {
    let what = format!("a message in {queue}");
    let message = testkit::eventually(&what, DEADLINE, async || {
        let options = BasicGetOptions { no_ack: true };
        channel.basic_get(queue.into(), options).await.expect("a queue to get from")
    });
    message.await.delivery
}

/// Takes all that is in a queue for good.
pub async fn drain(channel: &Channel, queue: &str) -> Vec<String> {
    let mut bodies = Vec::new();
    while let Some(message) =
        channel.basic_get(queue.into(), BasicGetOptions { no_ack: true }).await.expect("a queue to drain")
    {
        bodies.push(body(&message));
    }
    bodies
}

pub async fn prefetch(channel: &Channel, count: u16) {
    channel.basic_qos(count, BasicQosOptions::default()).await.expect("a prefetch");
}

/// Consumes from a queue, with acknowledgements, under a name that the server makes up.
pub async fn consume(channel: &Channel, queue: &str) -> Consumer {
    consume_with(channel, queue, "", BasicConsumeOptions::default(), table([])).await
}

pub async fn consume_with(
    channel: &Channel,
    queue: &str,
    tag: &str,
    options: BasicConsumeOptions,
    arguments: FieldTable,
) -> Consumer {
    let consumer = channel.basic_consume(queue.into(), tag.into(), options, arguments).await;
    consumer.unwrap_or_else(|error| panic!("a consumer of {queue}: {error}"))
}

/// The next delivery to a consumer.
pub async fn next(consumer: &mut Consumer) -> Delivery {
    let delivery = timeout(DEADLINE, consumer.next()).await;
    let delivery = delivery.unwrap_or_else(|_| panic!("nothing from {} in time", consumer.queue()));
    delivery.expect("a consumer that goes on").expect("a channel that goes on")
}

/// The bodies of the next deliveries to a consumer.
pub async fn bodies(consumer: &mut Consumer, count: usize) -> Vec<String> {
    let mut bodies = Vec::with_capacity(count);
    for _ in 0..count {
        bodies.push(body(&next(consumer).await));
    }
    bodies
}

/// Waits until the consumer is told that it is over.
pub async fn over(consumer: &mut Consumer) {
    while let Some(delivery) = timeout(DEADLINE, consumer.next()).await.expect("an end in time") {
        drop(delivery);
    }
}

/// What a consumer has been given and nobody has looked at yet, if the server had no more to give it when
/// this was asked.
pub async fn pending(channel: &Channel, consumer: &mut Consumer) -> Vec<String> {
    // a delivery passes from the queue through the channel. The first answer of the queue shows that it has
    // handed over what it had; the second, that the channel has passed that on.
    for _ in 0..2 {
        look(channel, consumer.queue().as_str()).await.expect("the queue");
    }
    let mut bodies = Vec::new();
    while let Some(Some(delivery)) = consumer.next().now_or_never() {
        bodies.push(body(&delivery.expect("a channel that goes on")));
    }
    bodies
}

pub fn body(delivery: &Delivery) -> String {
    String::from_utf8(delivery.data.clone()).expect("a body of text")
}

/// A header of a message.
pub fn header<'a>(delivery: &'a Delivery, name: &str) -> Option<&'a AMQPValue> {
    delivery.properties.headers().as_ref()?.inner().get(name)
}

/// Asserts that the server said one of these things, where versions of RabbitMQ differ.
#[track_caller]
pub fn assert_one_of(said: &str, allowed: &[&str], server: &Server) {
    assert!(allowed.contains(&said), "{server} said {said:?} and none of {allowed:#?}");
}
