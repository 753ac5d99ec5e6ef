//! What was put aside because nobody could deal with it: looked at, sent again, dropped.
//!
//! - [`letter`]: what is known of one, and as what it is sent again
//! - [`at_broker`]: those that lie in the queues of a broker
//! - [`in_database`]: those that lie in the database of their module, where there is no broker
//! - [`routes`]: the control endpoints
//!
//! Nothing is ever lost by looking: a letter leaves its place when it was sent again, or when somebody drops
//! it.

mod at_broker;
mod in_database;
mod letter;
mod routes;

use std::sync::Arc;

use contracts::error::chain;
use contracts::messages::MessageId;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use uuid::Uuid;

use self::letter::Letter;
use super::broker::PublishError;
use super::bus::Carrier;
use super::{Bus, Mailbox};

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
    bus: Bus,
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

/// Dead letters in hand.
enum Look {
    AtBroker(at_broker::Look),
    InDatabase(in_database::Look),
}

impl DeadLetters {
    /// Those of `module`'s queues; that one was dropped is noted in `mailbox`.
    pub fn new(bus: Bus, module: &'static str, mailbox: Mailbox) -> Self {
        Self { bus, module, mailbox, one_at_a_time: Arc::default() }
    }

    /// Up to `limit` of them, and no more than [`MOST`].
    pub async fn list(&self, limit: usize) -> Result<DeadLetterList, PublishError> {
        let _turn = self.one_at_a_time.lock().await;
        let look = self.look(limit.min(MOST)).await?;
        let letters = look.letters().iter().map(DeadLetter::of).collect();
        let list = DeadLetterList { module: self.module.to_owned(), letters, more: look.more() };
        look.end().await?;
        Ok(list)
    }

    /// The one of that id, with all that came with it.
    pub async fn show(&self, id: &str) -> Result<Option<DeadLetterDetail>, PublishError> {
        let _turn = self.one_at_a_time.lock().await;
        let look = self.look(MOST).await?;
        let found = look.letters().iter().map(DeadLetterDetail::of).find(|detail| detail.letter.is_named(id));
        look.end().await?;
        Ok(found)
    }

    /// Sends them to their queues again, as they were before they died.
    pub async fn redrive(&self, which: &Which) -> Result<Dealt, PublishError> {
        let _turn = self.one_at_a_time.lock().await;
        let look = self.look(MOST).await?;
        let chosen = look.chosen(which);
        match &look {
            Look::AtBroker(look) => look.send_again(&chosen).await?,
            Look::InDatabase(look) => look.send_again(&chosen).await?,
        }
        let dealt = Dealt { letters: chosen.len(), more: look.more() };
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
        let letters: Vec<_> = chosen.iter().map(|at| DeadLetter::of(&look.letters()[*at])).collect();
        for letter in &letters {
            self.note_dropped(letter).await?;
        }
        match &look {
            Look::AtBroker(look) => look.forget(&chosen).await?,
            Look::InDatabase(look) => look.forget(&chosen).await?,
        }
        for letter in &letters {
            let DeadLetter { id, queue, .. } = letter;
            tracing::warn!(letter = id, "dead letter {id} of {queue} was dropped: {letter:?}");
        }
        let dealt = Dealt { letters: chosen.len(), more: look.more() };
        look.end().await?;
        Ok(dealt)
    }

    async fn note_dropped(&self, letter: &DeadLetter) -> Result<(), PublishError> {
        let id = letter.message_id.as_deref().and_then(|id| Uuid::try_parse(id).ok());
        let Some(id) = id else { return Ok(()) };
        let noted = self.mailbox.settle(&dropped_from(&letter.queue), MessageId(id), &[]).await;
        noted.map(drop).map_err(|error| {
            PublishError::Away(format!("the inbox cannot note what is dropped: {}", chain(&error)))
        })
    }

    /// Takes up to `limit` of them in hand.
    async fn look(&self, limit: usize) -> Result<Look, PublishError> {
        Ok(match self.bus.carrier() {
            Carrier::Broker(broker) => Look::AtBroker(at_broker::Look::at(broker, self.module, limit).await?),
            Carrier::InProcess(in_process) => {
                Look::InDatabase(in_database::Look::at(in_process, self.module, limit).await?)
            }
        })
    }
}

impl Look {
    fn letters(&self) -> &[Letter] {
        match self {
            Self::AtBroker(look) => &look.letters,
            Self::InDatabase(look) => &look.letters,
        }
    }

    fn more(&self) -> bool {
        match self {
            Self::AtBroker(look) => look.more,
            Self::InDatabase(look) => look.more,
        }
    }

    /// Where those stand that are meant.
    fn chosen(&self, which: &Which) -> Vec<usize> {
        let letters = self.letters().iter().enumerate();
        letters.filter(|(_, letter)| which.includes(&DeadLetter::of(letter))).map(|(at, _)| at).collect()
    }

    /// Gives back what is left.
    async fn end(self) -> Result<(), PublishError> {
        match self {
            Self::AtBroker(look) => look.end().await,
            Self::InDatabase(_) => Ok(()),
        }
    }
}
