//! The books of messages, as the audit reads them.

use std::sync::Arc;

use async_trait::async_trait;
use contracts::PortResult;
use tradewind::audit::{MessageBooks, MessageSource};

use super::{Broker, Mailbox};
use crate::sim::world::{Process, World};

/// Where the audit finds what was said and heard.
pub struct SimBooks {
    /// The world they are of.
    pub world: Arc<World>,
    /// The mailbox of every module.
    pub mailboxes: Vec<Arc<Mailbox>>,
    /// Where dead letters lie.
    pub broker: Arc<Broker>,
}

#[async_trait]
impl MessageSource for SimBooks {
    async fn read(&self) -> PortResult<MessageBooks> {
        let letters = self.broker.dead_letters().into_iter();
        Ok(MessageBooks {
            read_at: self.world.now(),
            modules: Process::ALL.iter().map(|process| process.name().to_owned()).collect(),
            outbox: self.mailboxes.iter().flat_map(|mailbox| mailbox.outbox()).collect(),
            inbox: self.mailboxes.iter().flat_map(|mailbox| mailbox.inbox()).collect(),
            dead_letters: letters.map(|letter| (letter.queue.to_owned(), letter.message)).collect(),
            notifications: Vec::new(),
            projected: Vec::new(),
        })
    }
}
