//! A client that puts messages into queues, as an operator would by hand.

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};
use serde_json::{Value, json};

/// A client of the broker at an address. Each call has a connection of its own; what the broker refuses fails
/// the test.
pub struct AmqpClient {
    url: String,
}

impl AmqpClient {
    /// One of the broker at `amqp://USER:PASSWORD@HOST:PORT/VHOST`.
    pub fn at(url: &str) -> Self {
        Self { url: url.to_owned() }
    }

    /// Declares a durable queue of a kind: `classic`, `quorum` or `stream`.
    pub async fn declare_queue(&self, queue: &str, kind: &str) {
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString(kind.into()));
        let options = QueueDeclareOptions { durable: true, ..Default::default() };
        self.with_channel(async |channel| {
            let declared = channel.queue_declare(queue.into(), options, arguments.clone()).await;
            declared.unwrap_or_else(|error| panic!("{queue} cannot be declared: {error}"));
        })
        .await;
    }

    /// Deletes a queue and all that is in it; that there is none is no failure.
    pub async fn delete_queue(&self, queue: &str) {
        self.with_channel(async |channel| {
            let deleted = channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await;
            deleted.unwrap_or_else(|error| panic!("{queue} cannot be deleted: {error}"));
        })
        .await;
    }

    /// Puts a persistent message into a queue.
    pub async fn publish(&self, queue: &str, payload: &str) {
        self.publish_with(queue, payload, json!({})).await;
    }

    /// Puts a persistent message with headers, and a body of JSON, into a queue.
    pub async fn publish_with(&self, queue: &str, payload: &str, headers: Value) {
        let properties = BasicProperties::default()
            .with_delivery_mode(2)
            .with_content_type("application/json".into())
            .with_headers(table(&headers));
        let options = BasicPublishOptions { mandatory: true, ..Default::default() };
        self.with_channel(async |channel| {
            channel.confirm_select(ConfirmSelectOptions::default()).await.expect("it confirms");
            let sent = channel.basic_publish(
                "".into(),
                queue.into(),
                options,
                payload.as_bytes(),
                properties.clone(),
            );
            let confirmed = sent.await.expect("it is sent").await.expect("it is answered");
            assert_eq!(confirmed, Confirmation::Ack(None), "{queue} does not take a message");
        })
        .await;
    }

    async fn with_channel(&self, work: impl AsyncFnOnce(&Channel)) {
        let connection = Connection::connect(&self.url, ConnectionProperties::default()).await;
        let connection = connection.unwrap_or_else(|error| panic!("no broker lets us in: {error}"));
        work(&connection.create_channel().await.expect("a channel")).await;
        // what was to be done is done
        let _ = connection.close(200, "bye".into()).await;
    }
}

/// Headers as the management API of RabbitMQ would make them of the same JSON.
fn table(headers: &Value) -> FieldTable {
    let headers = headers.as_object().expect("headers are an object");
    let headers = headers.iter().map(|(name, value)| (ShortString::from(name.as_str()), header(value)));
    FieldTable::from(headers.collect::<std::collections::BTreeMap<_, _>>())
}

fn header(value: &Value) -> AMQPValue {
    match value {
        Value::Null => AMQPValue::Void,
        Value::Bool(value) => AMQPValue::Boolean(*value),
        Value::Number(number) => match number.as_i64() {
            Some(number) => AMQPValue::LongLongInt(number),
            None => AMQPValue::Double(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => AMQPValue::LongString(text.as_str().into()),
        Value::Array(values) => AMQPValue::FieldArray(values.iter().map(header).collect::<Vec<_>>().into()),
        Value::Object(_) => AMQPValue::FieldTable(table(value)),
    }
}
