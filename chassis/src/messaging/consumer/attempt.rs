//! One attempt at one message: decoded, given to the handler, and settled with the broker.

use std::sync::Arc;
use std::time::Instant;

use contracts::messages::Queue;
use contracts::messages::queues::DELIVERY_LIMIT;
use lapin::options::{BasicAckOptions, BasicNackOptions};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::aside::{DELIVERY_COUNT, put_aside};
use super::{AGAIN, Delivery, Handled, Handler, guarded};
use crate::messaging::broker::{Broker, Link, consumed, decode, integer, redelivered};

/// What an attempt needs.
#[derive(Clone)]
pub(super) struct Attempt {
    pub(super) broker: Broker,
    pub(super) link: Link,
    pub(super) queue: &'static Queue,
    pub(super) handler: Arc<dyn Handler>,
    pub(super) shutdown: CancellationToken,
}

impl Attempt {
    /// Deals with one message, to the end.
    pub(super) async fn at(self, message: lapin::message::Delivery) {
        let queue = self.queue.name;
        let attempt = number(&message);
        if attempt > 1 || message.redelivered {
            redelivered(queue);
        }
        let begun = Instant::now();
        let (handled, undecodable) = match decode(&message.properties, &message.data) {
            Ok(decoded) => (self.handle(Delivery { message: decoded, queue, attempt }).await, false),
            Err(fault) => (Handled::Hopeless(format!("it cannot be read: {fault}")), true),
        };
        let outcome = match &handled {
            Handled::Done => "done",
            Handled::Again(_) => "again",
            Handled::Hopeless(_) if undecodable => "undecodable",
            Handled::Hopeless(_) => "hopeless",
        };
        consumed(queue, outcome, begun.elapsed());
        self.settle(&message, handled, attempt).await;
    }

    async fn handle(&self, delivery: Delivery) -> Handled {
        let handler = self.handler.clone();
        let span = tracing::info_span!(
            "consume",
            queue = delivery.queue,
            message_id = %delivery.message.id,
            trace_id = delivery.message.trace.trace_id_hex(),
        );
        let work = async move { handler.handle(&delivery).await };
        guarded(work.instrument(span)).await.unwrap_or_else(Handled::Again)
    }

    async fn settle(&self, message: &lapin::message::Delivery, handled: Handled, attempt: u32) {
        match handled {
            Handled::Done => self.ack(message).await,
            Handled::Again(cause) if attempt < DELIVERY_LIMIT => {
                tracing::debug!(cause, attempt, "{}: again later: {cause}", self.queue.name);
                tokio::select! {
                    () = tokio::time::sleep(AGAIN.after(attempt)) => {}
                    () = self.link.lost() => return,
                    () = self.shutdown.cancelled() => {}
                }
                self.requeue(message).await;
            }
            Handled::Again(cause) | Handled::Hopeless(cause) => {
                self.put_aside(message, &cause, attempt).await;
            }
        }
    }

    async fn put_aside(&self, message: &lapin::message::Delivery, cause: &str, attempts: u32) {
        let queue = self.queue.name;
        let id = message.properties.message_id().as_ref().map_or("without an id", |id| id.as_str());
        match put_aside(&self.broker, self.queue, message, cause, attempts).await {
            Ok(()) => {
                tracing::error!(
                    queue,
                    message_id = id,
                    attempts,
                    cause,
                    "message {id} of {queue} was put aside after {attempts} attempts: {cause}"
                );
                self.ack(message).await;
            }
            Err(error) => {
                tracing::warn!(queue, message_id = id, %error, "message {id} cannot be put aside yet: {error}");
                tokio::select! {
                    () = tokio::time::sleep(AGAIN.after(attempts)) => {}
                    () = self.link.lost() => return,
                    () = self.shutdown.cancelled() => {}
                }
                self.requeue(message).await;
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

/// Which attempt this is. A quorum queue counts the deliveries before it.
fn number(message: &lapin::message::Delivery) -> u32 {
    let headers = message.properties.headers().as_ref();
    let before =
        headers.and_then(|headers| headers.inner().get(DELIVERY_COUNT)).and_then(integer).unwrap_or(0);
    u32::try_from(before).unwrap_or(0).saturating_add(1)
}
