//! What was put aside because nobody could deal with it: looked at, sent again, dropped.
//!
//! Dead letters are looked at by taking them and giving them back, since AMQP knows no other way; while
//! that goes on, a moment, nobody else sees them. Nothing is ever lost by it: a letter leaves its queue
//! when it was sent again and the broker has confirmed that, or when somebody drops it. A process that
//! dies between the two has sent it twice, which consumers bear with.

mod letter;
mod routes;

use std::sync::Arc;

use contracts::error::chain;
use contracts::messages::queues::QUEUES;
use contracts::messages::{MessageId, Queue};
use lapin::Channel;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicGetOptions, BasicNackOptions};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::Mailbox;
use super::broker::{Broker, Link, PublishError};

pub use letter::{DeadLetter, DeadLetterDetail};

/// Under which name the inbox keeps what was dropped from the dead letters of `queue`.
pub fn dropped_from(queue: &str) -> String {
    format!("{queue} (dropped)")
}

/// How many dead letters of a module are looked at, at most.
pub const MOST: usize = 1_000;

/// The dead letters of a module: a handle, cheap to clone.
#[derive(Clone)]
pub struct DeadLetters {
    broker: Broker,
    module: &'static str,
    mailbox: Mailbox,
    // two that look at the same time would hide letters from each other
    one_at_a_time: Arc<Mutex<()>>,
}

/// Some dead letters of a module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterList {
    /// Whose.
    pub module: String,
    /// The letters, queue by queue, oldest first.
    pub letters: Vec<DeadLetter>,
    /// Whether there are more than these.
    pub more: bool,
}

/// What was done to dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dealt {
    /// To how many.
    pub letters: usize,
    /// Whether there are more that were not looked at.
    pub more: bool,
}

/// Which dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// The one of that id, its own or that of its message.
    One(String),
    /// All of them.
    All,
}

impl Which {
    fn includes(&self, letter: &DeadLetter) -> bool {
        match self {
            Self::One(id) => letter.is_named(id),
            Self::All => true,
        }
    }
}

/// Dead letters in hand; those that are not settled go back when this ends.
struct Look {
    link: Link,
    channel: Channel,
    letters: Vec<(&'static Queue, Delivery)>,
    more: bool,
}

impl DeadLetters {
    /// Those of `module`'s queues; that one was dropped is noted in `mailbox`.
    pub fn new(broker: Broker, module: &'static str, mailbox: Mailbox) -> Self {
        Self { broker, module, mailbox, one_at_a_time: Arc::default() }
    }

    /// Up to `limit` of them, and no more than [`MOST`].
    pub async fn list(&self, limit: usize) -> Result<DeadLetterList, PublishError> {
        let _turn = self.one_at_a_time.lock().await;
        let look = self.look(limit.min(MOST)).await?;
        let letters = look.letters.iter().map(|(queue, message)| DeadLetter::of(queue, message)).collect();
        let list = DeadLetterList { module: self.module.to_owned(), letters, more: look.more };
        look.end().await?;
        Ok(list)
    }

    /// The one of that id, with all that came with it.
    pub async fn show(&self, id: &str) -> Result<Option<DeadLetterDetail>, PublishError> {
        let _turn = self.one_at_a_time.lock().await;
        let look = self.look(MOST).await?;
        let mut letters = look.letters.iter().map(|(queue, message)| DeadLetterDetail::of(queue, message));
        let found = letters.find(|detail| detail.letter.is_named(id));
        drop(letters);
        look.end().await?;
        Ok(found)
    }

    /// Sends them to their queues again, as they were before they died.
    pub async fn redrive(&self, which: &Which) -> Result<Dealt, PublishError> {
        let _turn = self.one_at_a_time.lock().await;
        let look = self.look(MOST).await?;
        let chosen = look.chosen(which);
        let revived: Vec<_> = chosen.iter().map(|(queue, message)| letter::revived(queue, message)).collect();
        // all or, when this fails, an unknown part of them a second time: consumers know what they had
        self.broker.publish_parcels(&revived).await?;
        look.forget(&chosen).await?;
        let dealt = Dealt { letters: chosen.len(), more: look.more };
        tracing::info!(
            module = self.module,
            "{} dead letters of {} were sent again",
            dealt.letters,
            self.module
        );
        look.end().await?;
        Ok(dealt)
    }

    /// Drops them for good. The inbox keeps that, since whoever audits it misses the message otherwise.
    pub async fn discard(&self, which: &Which) -> Result<Dealt, PublishError> {
        let _turn = self.one_at_a_time.lock().await;
        let look = self.look(MOST).await?;
        let chosen = look.chosen(which);
        for (queue, message) in &chosen {
            let letter = DeadLetter::of(queue, message);
            if let Some(id) = letter.message_id.as_deref().and_then(|id| Uuid::try_parse(id).ok()) {
                self.mailbox.settle(&dropped_from(queue.name), MessageId(id), &[]).await.map_err(
                    |error| {
                        PublishError::Away(format!(
                            "the inbox cannot note what is dropped: {}",
                            chain(&error)
                        ))
                    },
                )?;
            }
        }
        look.forget(&chosen).await?;
        for (queue, message) in &chosen {
            let letter = DeadLetter::of(queue, message);
            tracing::warn!(
                letter = letter.id,
                "dead letter {} of {} was dropped: {letter:?}",
                letter.id,
                queue.name
            );
        }
        let dealt = Dealt { letters: chosen.len(), more: look.more };
        look.end().await?;
        Ok(dealt)
    }

    /// Takes up to `limit` of them in hand.
    async fn look(&self, limit: usize) -> Result<Look, PublishError> {
        let link = self.broker.link().await?;
        let channel = link.channel().await?;
        let mut look = Look { link, channel, letters: Vec::new(), more: false };
        for queue in QUEUES.iter().filter(|queue| queue.module == self.module) {
            if let Err(error) = look.take(queue, limit).await {
                // somebody may have deleted it: whoever looks again finds it
                drop(look.link.declare_again().await);
                return Err(error);
            }
        }
        Ok(look)
    }
}

impl Look {
    async fn take(&mut self, queue: &'static Queue, limit: usize) -> Result<(), PublishError> {
        let aside = queue.dead_letters();
        loop {
            let get = self.channel.basic_get(aside.as_str().into(), BasicGetOptions::default());
            let Some(taken) = self.link.answered("hand out a dead letter", get).await? else { return Ok(()) };
            if self.letters.len() == limit {
                self.more = true;
                return Ok(());
            }
            self.letters.push((queue, taken.delivery));
        }
    }

    fn chosen(&self, which: &Which) -> Vec<&(&'static Queue, Delivery)> {
        let chosen =
            self.letters.iter().filter(|(queue, message)| which.includes(&DeadLetter::of(queue, message)));
        chosen.collect()
    }

    /// They leave their queue.
    async fn forget(&self, letters: &[&(&'static Queue, Delivery)]) -> Result<(), PublishError> {
        for (_, message) in letters {
            let acked = message.acker.ack(BasicAckOptions::default());
            self.link.answered("take an acknowledgement", acked).await?;
        }
        Ok(())
    }

    /// Gives back what is left. Without this it goes back when the channel closes, a moment later.
    async fn end(self) -> Result<(), PublishError> {
        // tag 0 is everything on this channel
        let options = BasicNackOptions { multiple: true, requeue: true };
        self.link.answered("take dead letters back", self.channel.basic_nack(0, options)).await?;
        self.link.answered("close a channel", self.channel.close(200, "seen".into())).await
    }
}
