//! Dead letters at a broker.
//!
//! They are looked at by taking them and giving them back, since AMQP knows no other way; while that goes on, a
//! moment, nobody else sees them. A process that dies between sending one again and forgetting it has sent it
//! twice, which consumers bear with.

use contracts::messages::Queue;
use contracts::messages::queues::QUEUES;
use lapin::options::{BasicAckOptions, BasicGetOptions, BasicNackOptions};
use lapin::{Acker, Channel};

use super::letter::{Letter, revived};
use crate::messaging::broker::{Broker, Link, PublishError};

/// Dead letters in hand; those that are not settled go back when this ends.
pub(super) struct Look {
    pub(super) letters: Vec<Letter>,
    pub(super) more: bool,
    /// By which each letter is settled.
    ackers: Vec<Acker>,
    broker: Broker,
    link: Link,
    channel: Channel,
}

impl Look {
    /// Takes up to `limit` of those of `module` in hand.
    pub(super) async fn at(broker: &Broker, module: &str, limit: usize) -> Result<Self, PublishError> {
        let link = broker.link().await?;
        let channel = link.channel().await?;
        let broker = broker.clone();
        let mut look = Self { letters: Vec::new(), more: false, ackers: Vec::new(), broker, link, channel };
        for queue in QUEUES.iter().filter(|queue| queue.module == module) {
            if let Err(error) = look.take(queue, limit).await {
                // somebody may have deleted it: whoever looks again finds it
                drop(look.link.declare_again().await);
                return Err(error);
            }
        }
        Ok(look)
    }

    async fn take(&mut self, queue: &'static Queue, limit: usize) -> Result<(), PublishError> {
        let aside = queue.dead_letters();
        loop {
            let get = self.channel.basic_get(aside.as_str().into(), BasicGetOptions::default());
            let Some(taken) = self.link.answered("hand out a dead letter", get).await? else { return Ok(()) };
            if self.letters.len() == limit {
                self.more = true;
                return Ok(());
            }
            let taken = taken.delivery;
            self.ackers.push(taken.acker);
            self.letters.push(Letter { queue, properties: taken.properties, body: taken.data });
        }
    }

    /// Sends letters to their queues again: all or, when this fails, an unknown part of them a second time.
    pub(super) async fn send_again(&self, chosen: &[usize]) -> Result<(), PublishError> {
        let revived: Vec<_> = chosen.iter().map(|at| revived(&self.letters[*at])).collect();
        self.broker.publish_parcels(&revived).await?;
        self.forget(chosen).await
    }

    /// They leave their queue.
    pub(super) async fn forget(&self, chosen: &[usize]) -> Result<(), PublishError> {
        for at in chosen {
            let acked = self.ackers[*at].ack(BasicAckOptions::default());
            self.link.answered("take an acknowledgement", acked).await?;
        }
        Ok(())
    }

    /// Gives back what is left. Without this it goes back when the channel closes, a moment later.
    pub(super) async fn end(self) -> Result<(), PublishError> {
        // tag 0 is everything on this channel
        let options = BasicNackOptions { multiple: true, requeue: true };
        self.link.answered("take dead letters back", self.channel.basic_nack(0, options)).await?;
        self.link.answered("close a channel", self.channel.close(200, "seen".into())).await
    }
}
