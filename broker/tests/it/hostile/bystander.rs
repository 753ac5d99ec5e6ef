//! Somebody who does nothing wrong, and whom others' misdeeds must not touch.

use futures::StreamExt as _;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Consumer};
use tokio::time::timeout;

use super::raw::ANSWER;

/// An ordinary client with a queue of its own, a consumer, and confirms.
pub struct Bystander {
    connection: Connection,
    channel: Channel,
    consumer: Consumer,
    queue: String,
    sent: u64,
}

impl Bystander {
    /// One of the broker at this address, who lives.
    pub async fn at(url: &str) -> Self {
        let mut bystander = timeout(ANSWER, Self::connect(url)).await.expect("is let in in time");
        bystander.lives().await;
        bystander
    }

    async fn connect(url: &str) -> Self {
        let connection = Connection::connect(url, ConnectionProperties::default()).await.expect("is let in");
        let channel = connection.create_channel().await.expect("a channel");
        channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
        let options = QueueDeclareOptions { exclusive: true, ..Default::default() };
        let queue = channel.queue_declare("".into(), options, FieldTable::default()).await.expect("a queue");
        let queue = queue.name().to_string();
        let consuming = channel.basic_consume(
            queue.as_str().into(),
            "".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let consumer = consuming.await.expect("a consumer");
        Self { connection, channel, consumer, queue, sent: 0 }
    }

    /// Publishes, is told that it arrived, and receives it.
    pub async fn lives(&mut self) {
        self.sent += 1;
        let body = self.sent.to_string();
        let work = async {
            let sending = self.channel.basic_publish(
                "".into(),
                self.queue.as_str().into(),
                BasicPublishOptions { mandatory: true, ..Default::default() },
                body.as_bytes(),
                BasicProperties::default(),
            );
            let confirmed = sending.await.expect("is sent").await.expect("is answered");
            assert_eq!(confirmed, Confirmation::Ack(None), "a bystander's message is taken");
            let delivery = self.consumer.next().await.expect("the consumer lives").expect("a delivery");
            assert_eq!(delivery.data, body.as_bytes(), "a bystander receives what it sent");
            delivery.ack(BasicAckOptions::default()).await.expect("is acknowledged");
        };
        timeout(ANSWER, work).await.expect("a bystander is served in time");
        assert!(self.connection.status().connected(), "a bystander stays connected");
    }
}
