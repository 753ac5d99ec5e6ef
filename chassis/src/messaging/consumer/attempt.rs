//! One attempt at one message of a broker: decoded, handled, and settled there.

use std::sync::Arc;

use contracts::TraceContext;
use lapin::options::{BasicAckOptions, BasicNackOptions};
use tokio_util::sync::CancellationToken;

use super::AGAIN;
use super::aside::{DELIVERY_COUNT, Marks, REVIVED_FROM, put_aside};
use super::handling::{Handling, Judgement, was_put_aside};
use crate::messaging::broker::{Broker, Link, decode, integer, redelivered, text};

/// What an attempt needs.
#[derive(Clone)]
pub(super) struct Attempt {
    pub(super) broker: Broker,
    pub(super) link: Link,
    pub(super) handling: Arc<Handling>,
    pub(super) stop: CancellationToken,
}

impl Attempt {
    /// Deals with one message, to the end.
    pub(super) async fn at(self, message: lapin::message::Delivery) {
        let number = number(&message);
        if number > 1 || message.redelivered {
            redelivered(self.handling.queue().name);
        }
        let decoded = decode(&message.properties, &message.data);
        let attempted = self.handling.attempt(number, decoded, revived_from(&message)).await;
        match attempted.judgement {
            Judgement::Done => self.ack(&message).await,
            Judgement::Again(_) => self.requeue_later(&message, number).await,
            Judgement::PutAside(cause) => {
                let marks = Marks { cause: &cause, attempts: number, last: attempted.trace.as_ref() };
                self.put_aside(&message, marks).await;
            }
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

    async fn put_aside(&self, message: &lapin::message::Delivery, marks: Marks<'_>) {
        let queue = self.handling.queue();
        let (name, attempts) = (queue.name, marks.attempts);
        let id = message.properties.message_id().as_ref().map_or("without an id", |id| id.as_str());
        match put_aside(&self.broker, queue, message, marks).await {
            Ok(()) => {
                was_put_aside(name, id, attempts, marks.cause);
                self.ack(message).await;
            }
            Err(error) => {
                tracing::warn!(queue = name, message_id = id, %error, "message {id} cannot be put aside yet: {error}");
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
            tracing::debug!(%error, "{}: a message will come again: {error}", self.handling.queue().name);
        }
    }
}

/// The attempt at which a message was put aside that was sent again since.
fn revived_from(message: &lapin::message::Delivery) -> Option<TraceContext> {
    let attempt = message.properties.headers().as_ref()?.inner().get(REVIVED_FROM).and_then(text)?;
    TraceContext::parse(&attempt, None)
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
