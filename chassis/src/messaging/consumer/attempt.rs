//! One attempt at one message of a broker: decoded, handled, and settled there.

use std::sync::Arc;

use contracts::messages::Queue;
use lapin::options::{BasicAckOptions, BasicNackOptions};
use tokio_util::sync::CancellationToken;

use super::aside::{DELIVERY_COUNT, put_aside};
use super::handling::{Judgement, attempt, was_put_aside};
use super::{AGAIN, Handler};
use crate::messaging::broker::{Broker, Link, decode, integer, redelivered};

/// What an attempt needs.
#[derive(Clone)]
pub(super) struct Attempt {
    pub(super) broker: Broker,
    pub(super) link: Link,
    pub(super) queue: &'static Queue,
    pub(super) handler: Arc<dyn Handler>,
    pub(super) stop: CancellationToken,
}

impl Attempt {
    /// Deals with one message, to the end.
    pub(super) async fn at(self, message: lapin::message::Delivery) {
        let queue = self.queue.name;
        let number = number(&message);
        if number > 1 || message.redelivered {
            redelivered(queue);
        }
        let decoded = decode(&message.properties, &message.data);
        match attempt(&self.handler, queue, number, decoded).await {
            Judgement::Done => self.ack(&message).await,
            Judgement::Again(_) => self.requeue_later(&message, number).await,
            Judgement::PutAside(cause) => self.put_aside(&message, &cause, number).await,
        }
    }

    /// Gives a message back after a pause; sooner when this process stops, so that others get it.
    async fn requeue_later(&self, message: &lapin::message::Delivery, attempt: u32) {
        tokio::select! {
            () = tokio::time::sleep(AGAIN.after(attempt)) => {}
            () = self.link.lost() => return,
            () = self.stop.cancelled() => {}
        }
        self.requeue(message).await;
    }

    async fn put_aside(&self, message: &lapin::message::Delivery, cause: &str, attempts: u32) {
        let queue = self.queue.name;
        let id = message.properties.message_id().as_ref().map_or("without an id", |id| id.as_str());
        match put_aside(&self.broker, self.queue, message, cause, attempts).await {
            Ok(()) => {
                was_put_aside(queue, id, attempts, cause);
                self.ack(message).await;
            }
            Err(error) => {
                tracing::warn!(queue, message_id = id, %error, "message {id} cannot be put aside yet: {error}");
                self.requeue_later(message, attempts).await;
            }
        }
    }

    async fn ack(&self, message: &lapin::message::Delivery) {
        self.settled(message.acker.ack(BasicAckOptions::default())).await;
    }

    async fn requeue(&self, message: &lapin::message::Delivery) {
        let options = BasicNackOptions { requeue: true, multiple: false };
        self.settled(message.acker.nack(options)).await;
    }

    /// What does not reach the broker is delivered again.
    async fn settled(&self, told: impl Future<Output = lapin::Result<bool>>) {
        if let Err(error) = self.link.answered("take an acknowledgement", told).await {
            tracing::debug!(%error, "{}: a message will come again: {error}", self.queue.name);
        }
    }
}

/// Which attempt this is.
fn number(message: &lapin::message::Delivery) -> u32 {
    attempts_before(message).saturating_add(1)
}

/// How often a message was delivered before: a quorum queue counts that.
pub(in crate::messaging) fn attempts_before(message: &lapin::message::Delivery) -> u32 {
    let headers = message.properties.headers().as_ref();
    let before = headers.and_then(|headers| headers.inner().get(DELIVERY_COUNT)).and_then(integer);
    u32::try_from(before.unwrap_or(0)).unwrap_or(0)
}
