//! A module that takes part in the orders of others by message: it is asked for something, does it, and
//! says what came of it.
//!
//! What is asked of a module and what it says stands in a table of its own ([`Asks`], in its `reactions.rs`,
//! pure). Here is what those tables have in common, and who acts on them:
//!
//! - [`Told`], [`heard`]: what is said, given how a call ended; what an event says
//! - [`replied`], [`given_up`]: the same for commands
//! - [`EventHandler`], [`CommandHandler`]: look, do, settle; one a queue
//! - [`books`]: the origin beside what is kept, and facts written with what makes them true
//!
//! A message is dealt with in three steps, and a process may die between any two of them. The inbox is
//! looked into, which only saves work. The module's own service does what is asked; it is keyed by the
//! order, so that a repetition changes nothing. Then inbox and answer are written in one transaction.
//! Whatever happens, the answer is written at least once, and under the same id each time.

pub mod books;
mod handlers;
mod told;

use std::sync::Arc;

use async_trait::async_trait;
use contracts::messages::{Command, Event, Message, Origin, Queue};
use contracts::{Context, PortResult};

use super::dead_letters::DeadLetters;
use super::{Mailbox, consumer};
use crate::process::{Module, Platform};

pub use handlers::{CommandHandler, EventHandler};
pub use told::{Told, Unsaid, given_up, heard, replied};

/// What can be asked of a module by message, and the rules by which it is asked and answers: pure. It stands
/// with the request, so that whoever does what is asked, in earnest or in a simulation, has one table.
pub trait Asks: Sized + Send + Sync + 'static {
    /// The module.
    const NAME: &'static str;
    /// Where its commands come in.
    const COMMANDS: &'static Queue;
    /// Where the events come in that it reacts to.
    const EVENTS: &'static Queue;

    /// What it has in its books afterwards.
    type Entry: Send + Sync;
    /// What it tells the world.
    type Event: Event + Send;

    /// What a command asks of it; nothing where it is for another module.
    fn commanded(command: Command) -> Option<Self>;

    /// What an event asks of it. Nothing where it asks nothing, is of an order that somebody else drives,
    /// or is of a type or version that this code does not know; an error where it cannot be read.
    fn asked(event: &Message) -> Result<Option<Self>, String>;

    /// What it says after a request that an event led to and that ended so.
    fn told(&self, result: &PortResult<Self::Entry>) -> Told<Self::Event>;
}

/// A module's service, as messages see it.
#[async_trait]
pub trait Participant: Send + Sync + 'static {
    /// What can be asked of it.
    type Request: Asks;

    /// Does what is asked. A repetition answers what the first time answered.
    async fn perform(
        &self,
        ctx: &Context,
        request: &Self::Request,
        origin: &Origin,
    ) -> PortResult<<Self::Request as Asks>::Entry>;
}

/// The same module, speaking and hearing: consumers of its two queues, the relay of its outbox, and the
/// control endpoints that show both, and what was put aside. Where the process has no messages nothing changes.
pub fn take_part<P: Participant>(
    module: Module,
    platform: &Platform,
    mailbox: Mailbox,
    participant: Arc<P>,
) -> Module {
    let Some(bus) = &platform.bus else { return module };
    let clock = &platform.clock;
    let commands = CommandHandler::new(participant.clone(), mailbox.clone(), clock.clone());
    let events = EventHandler::new(participant, mailbox.clone(), clock.clone());
    // new messages are for other instances from the moment on that this one drains; the relay goes on
    // until the last request has been answered, and with it the last fact written
    let (draining, shutdown) = (&platform.draining, platform.shutdown.clone());
    module
        .control(mailbox.control_routes())
        .control(DeadLetters::new(bus.clone(), P::Request::NAME, mailbox.clone()).control_routes())
        .task(consumer::consume(bus.clone(), P::Request::COMMANDS, Arc::new(commands), draining.clone()))
        .task(consumer::consume(bus.clone(), P::Request::EVENTS, Arc::new(events), draining.clone()))
        .task(mailbox.relay(bus.clone(), shutdown))
}

#[cfg(test)]
mod tests;
