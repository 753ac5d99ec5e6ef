//! A consumer of a queue, over one connection after another.

use std::sync::Arc;

use contracts::messages::Queue;
use futures::StreamExt;
use lapin::Channel;
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::attempt::Attempt;
use super::handling::Handling;
use super::{FINISH, Handler, PREFETCH, RENEW, RESUME};
use crate::messaging::broker::{Broker, Link, PublishError, RABBITMQ};
use crate::messaging::bus::Turn;

/// How a session ended that was not told to.
struct Ended(String);

impl From<PublishError> for Ended {
    fn from(error: PublishError) -> Self {
        Self(error.to_string())
    }
}

pub(super) struct Consumer {
    broker: Broker,
    queue: &'static Queue,
    handling: Arc<Handling>,
    turn: Turn,
    // a handler may outlive the connection that brought its message; there are never more at work
    slots: Arc<Semaphore>,
    under_way: JoinSet<()>,
}

impl Consumer {
    pub(super) fn new(broker: Broker, queue: &'static Queue, handler: Arc<dyn Handler>, turn: Turn) -> Self {
        let slots = Arc::new(Semaphore::new(usize::from(PREFETCH)));
        let handling = Arc::new(Handling::new(queue, handler, RABBITMQ));
        Self { broker, queue, handling, turn, slots, under_way: JoinSet::new() }
    }

    pub(super) async fn run(mut self) {
        // acknowledgements still get through while this process drains
        let _until_done = self.broker.user();
        let mut failures: u32 = 0;
        loop {
            let link = tokio::select! {
                () = self.turn.stop.cancelled() => break,
                link = self.broker.next_link() => link,
            };
            let Some(link) = link else { break };
            let Err((Ended(why), worked)) = self.session(link).await else { return };
            failures = if worked { 1 } else { failures.saturating_add(1) };
            tracing::debug!(why, "consuming {} begins anew: {why}", self.queue.name);
            tokio::select! {
                () = self.turn.stop.cancelled() => break,
                () = tokio::time::sleep(RESUME.after(failures)) => {}
            }
        }
        self.finish().await;
    }

    /// Consumes over one connection until it is told to stop, and finishes what is under way then; an error
    /// says why it ended before, and whether it had begun.
    async fn session(&mut self, link: Link) -> Result<(), (Ended, bool)> {
        let begun = self.begin(&link).await;
        let (channel, mut deliveries) = begun.map_err(|ended| (ended, false))?;
        let attempt = Attempt {
            broker: self.broker.clone(),
            link: link.clone(),
            handling: self.handling.clone(),
            stop: self.turn.stop.clone(),
        };
        let mut last = Instant::now();
        let why = loop {
            tokio::select! {
                () = self.turn.stop.cancelled() => {
                    let cancelled = channel.basic_cancel(deliveries.tag(), BasicCancelOptions::default());
                    // if the broker does not hear it, it sees the channel end
                    let (_, ()) = tokio::join!(link.answered("end a consumer", cancelled), self.finish());
                    // what was delivered and not begun is for others, also where this connection goes on
                    let closed = channel.close(200, "done".into());
                    let _ = link.answered("close a channel", closed).await;
                    return Ok(());
                }
                () = link.lost() => break link.why_lost(),
                Some(_) = self.under_way.join_next() => {}
                () = tokio::time::sleep_until(last + RENEW), if self.under_way.is_empty() => {
                    break format!("nothing came for {RENEW:?}");
                }
                delivery = deliveries.next() => match delivery {
                    Some(Ok(message)) => {
                        last = Instant::now();
                        let (attempt, slots) = (attempt.clone(), self.slots.clone());
                        self.under_way.spawn(in_a_slot(slots, attempt, message));
                    }
                    Some(Err(error)) => break error.to_string(),
                    None => break "the broker ended the consumer: its queue was deleted or moved".to_owned(),
                },
            }
        };
        Err((Ended(why), true))
    }

    async fn begin(&self, link: &Link) -> Result<(Channel, lapin::Consumer), Ended> {
        match self.subscribe(link).await {
            Ok(begun) => Ok(begun),
            // the queue may have been deleted
            Err(_) if !link.is_lost() => {
                link.declare_again().await?;
                self.subscribe(link).await
            }
            Err(ended) => Err(ended),
        }
    }

    async fn subscribe(&self, link: &Link) -> Result<(Channel, lapin::Consumer), Ended> {
        let channel = link.channel().await?;
        link.answered("set the prefetch", channel.basic_qos(PREFETCH, BasicQosOptions::default())).await?;
        let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
        let consumer = channel.basic_consume(self.queue.name.into(), "".into(), options, arguments);
        let consumer = link.answered("begin a consumer", consumer).await?;
        Ok((channel, consumer))
    }

    /// Finishes what is under way; what is not finished in time comes again elsewhere.
    async fn finish(&mut self) {
        let finished = async { while self.under_way.join_next().await.is_some() {} };
        tokio::select! {
            () = finished => {}
            () = self.turn.out_of_time(FINISH) => {}
        }
    }
}

/// Deals with a message when there is a slot; one whose connection is lost meanwhile comes again.
async fn in_a_slot(slots: Arc<Semaphore>, attempt: Attempt, message: lapin::message::Delivery) {
    let slot = tokio::select! {
        biased;
        slot = slots.acquire() => slot,
        () = attempt.link.lost() => return,
        () = attempt.stop.cancelled() => return,
    };
    if slot.is_ok() {
        attempt.at(message).await;
    }
}
