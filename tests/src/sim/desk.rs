//! What a module does with a message, as the real ones do it over a database. A participant
//! (`chassis::messaging::participant`) looks into the inbox, does what is asked, and writes inbox and
//! answer; orders have handlers of their own. The rules are the real ones, and either may die between any
//! two steps.

use std::sync::Arc;

use async_trait::async_trait;
use chassis::messaging::participant::{Asks, Participant, Unsaid, given_up, replied};
use chassis::messaging::{Delivery, Handled, Handler, Received};
use contracts::messages::queues::ORDERS_EVENTS;
use contracts::messages::{Command, Origin, Outgoing};
use orders::domain::messages;

use super::messaging::Mailbox;
use super::world::Station;

/// Deals with the messages of both queues of a module.
pub struct Desk<P> {
    /// The life of the module's process.
    pub station: Station,
    /// The module's service.
    pub participant: Arc<P>,
    /// Its outbox and inbox.
    pub mailbox: Arc<Mailbox>,
}

#[async_trait]
impl<P: Participant> Handler for Desk<P> {
    async fn handle(&self, delivery: &Delivery) -> Handled {
        self.station.point("look").await;
        if self.mailbox.has_received(delivery.queue, delivery.message.id) {
            return Handled::Done;
        }
        let answer = if delivery.queue == P::Request::COMMANDS.name {
            self.obey(delivery).await
        } else {
            self.react(delivery).await
        };
        match answer {
            Ok(Some(answer)) => {
                self.settle(delivery, answer).await;
                Handled::Done
            }
            Ok(None) => {
                ignore(&self.station, &self.mailbox, delivery).await;
                Handled::Done
            }
            Err(Unsaid::Again(cause)) => Handled::Again(cause),
            Err(Unsaid::Hopeless(cause)) => Handled::Hopeless(cause),
        }
    }
}

impl<P: Participant> Desk<P> {
    async fn react(&self, delivery: &Delivery) -> Result<Option<Outgoing>, Unsaid> {
        let (ctx, message) = (delivery.context(P::Request::NAME), &delivery.message);
        let Some(request) = P::Request::asked(message).map_err(Unsaid::Hopeless)? else { return Ok(None) };
        let origin = Origin::of_message(message, &ctx);
        let result = self.participant.perform(&ctx, &request, &origin).await;
        request.told(&result).message(message.id, &origin, self.station.world.now())
    }

    async fn obey(&self, delivery: &Delivery) -> Result<Option<Outgoing>, Unsaid> {
        let (ctx, message) = (delivery.context(P::Request::NAME), &delivery.message);
        let command = Command::read(message).map_err(|error| Unsaid::Hopeless(error.to_string()))?;
        let Some(command) = command else { return Ok(None) };
        let Some(request) = P::Request::commanded(command.clone()) else { return Ok(None) };
        let origin = Origin::of_message(message, &ctx);
        let reply = match replied(&command, self.participant.perform(&ctx, &request, &origin).await) {
            Ok(reply) => reply,
            Err(error) if delivery.is_last() => given_up(&command, error),
            Err(error) => return Err(Unsaid::Again(error.to_string())),
        };
        Ok(Some(reply.message(P::Request::NAME, message, &origin, self.station.world.now())))
    }

    async fn settle(&self, delivery: &Delivery, answer: Outgoing) {
        self.station.point("settle").await;
        if self.mailbox.receive(delivery.queue, delivery.message.id) == Received::First {
            self.mailbox.post([answer]);
        }
        self.station.point("settled").await;
    }
}

/// Hands the messages of both queues of orders to the real handlers.
pub struct OrdersDesk {
    /// The life of the orders process.
    pub station: Station,
    /// The real handler of this queue.
    pub handler: Arc<dyn Handler>,
    /// The inbox of orders.
    pub mailbox: Arc<Mailbox>,
}

#[async_trait]
impl Handler for OrdersDesk {
    async fn handle(&self, delivery: &Delivery) -> Handled {
        // where there is nothing to do, the real handler notes that in a database of its own
        let event = delivery.queue == ORDERS_EVENTS.name;
        if event && messages::heard(&delivery.message).is_ok_and(|input| input.is_none()) {
            ignore(&self.station, &self.mailbox, delivery).await;
        }
        self.handler.handle(delivery).await
    }
}

/// Notes that there was nothing to do.
async fn ignore(station: &Station, mailbox: &Mailbox, delivery: &Delivery) {
    station.point("ignore").await;
    mailbox.receive(delivery.queue, delivery.message.id);
    station.point("ignored").await;
}
