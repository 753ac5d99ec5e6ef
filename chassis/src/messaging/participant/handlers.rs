//! The two handlers of a participant: look into the inbox, do what is asked, settle.

use std::sync::Arc;

use async_trait::async_trait;
use contracts::PortError;
use contracts::messages::{Command, Origin, Outgoing};

use super::told::{Unsaid, given_up, replied};
use super::{Asks, Participant};
use crate::clock::Clock;
use crate::messaging::{Delivery, Handled, Handler, Mailbox, ignored};
use crate::store::StoreError;

/// Reacts to events of orders that nobody drives (`choreographed`).
pub struct EventHandler<P> {
    desk: Desk<P>,
}

/// Obeys the commands of orders that are driven by messages (`orchestrated`).
pub struct CommandHandler<P> {
    desk: Desk<P>,
}

impl<P: Participant> EventHandler<P> {
    /// What `participant` says goes out through `mailbox`.
    pub fn new(participant: Arc<P>, mailbox: Mailbox, clock: Arc<dyn Clock>) -> Self {
        Self { desk: Desk { participant, mailbox, clock } }
    }
}

impl<P: Participant> CommandHandler<P> {
    /// What `participant` says goes out through `mailbox`.
    pub fn new(participant: Arc<P>, mailbox: Mailbox, clock: Arc<dyn Clock>) -> Self {
        Self { desk: Desk { participant, mailbox, clock } }
    }
}

#[async_trait]
impl<P: Participant> Handler for EventHandler<P> {
    async fn handle(&self, delivery: &Delivery) -> Handled {
        let message = &delivery.message;
        match P::Request::asked(message) {
            Ok(Some(request)) => ended(self.desk.react(delivery, &request).await),
            Ok(None) => ignored(&self.desk.mailbox, delivery).await,
            Err(cause) => Handled::Hopeless(cause),
        }
    }
}

#[async_trait]
impl<P: Participant> Handler for CommandHandler<P> {
    async fn handle(&self, delivery: &Delivery) -> Handled {
        let message = &delivery.message;
        let command = match Command::read(message) {
            Ok(Some(command)) => command,
            Ok(None) => return ignored(&self.desk.mailbox, delivery).await,
            Err(error) => return Handled::Hopeless(format!("{} cannot be read: {error}", message.kind)),
        };
        match P::Request::commanded(command.clone()) {
            Some(request) => ended(self.desk.obey(delivery, &command, &request).await),
            None => ignored(&self.desk.mailbox, delivery).await,
        }
    }
}

/// What both handlers work with.
struct Desk<P> {
    participant: Arc<P>,
    mailbox: Mailbox,
    clock: Arc<dyn Clock>,
}

impl<P: Participant> Desk<P> {
    async fn react(&self, delivery: &Delivery, request: &P::Request) -> Result<(), Unsaid> {
        if self.is_settled(delivery).await? {
            return Ok(());
        }
        let (ctx, message) = (delivery.context(P::Request::NAME), &delivery.message);
        let origin = Origin::of_message(message, &ctx);
        let result = self.participant.perform(&ctx, request, &origin).await;
        let answer = request.told(&result).message(message.id, &origin, self.clock.now())?;
        self.settle(delivery, answer.as_slice()).await
    }

    async fn obey(&self, delivery: &Delivery, command: &Command, request: &P::Request) -> Result<(), Unsaid> {
        if self.is_settled(delivery).await? {
            return Ok(());
        }
        let (ctx, message) = (delivery.context(P::Request::NAME), &delivery.message);
        let origin = Origin::of_message(message, &ctx);
        let reply = match replied(command, self.participant.perform(&ctx, request, &origin).await) {
            Ok(reply) => reply,
            // whoever gave the command learns that it is not known how it ended, and goes on
            Err(error) if delivery.is_last() => given_up(command, error),
            Err(error) => return Err(Unsaid::Again(error.to_string())),
        };
        self.settle(delivery, &[reply.message(P::Request::NAME, message, &origin, self.clock.now())]).await
    }

    /// Whether the message was dealt with before: a look, which saves the work.
    async fn is_settled(&self, delivery: &Delivery) -> Result<bool, Unsaid> {
        Ok(self.mailbox.has_received(delivery.queue, delivery.message.id).await?)
    }

    /// A message that asks nothing of this module is dealt with as it stands, and noted as such, so that
    /// the inbox accounts for all that came.
    async fn settle(&self, delivery: &Delivery, answers: &[Outgoing]) -> Result<(), Unsaid> {
        // where another instance was faster, it has said the same
        self.mailbox.settle(delivery.queue, delivery.message.id, answers).await?;
        Ok(())
    }
}

/// The database is asked again, whatever it is that ails it: the message must not be lost.
impl From<StoreError> for Unsaid {
    fn from(error: StoreError) -> Self {
        // logs the whole chain
        Self::Again(PortError::from(error).to_string())
    }
}

fn ended(result: Result<(), Unsaid>) -> Handled {
    match result {
        Ok(()) => Handled::Done,
        Err(Unsaid::Again(cause)) => Handled::Again(cause),
        Err(Unsaid::Hopeless(cause)) => Handled::Hopeless(cause),
    }
}
