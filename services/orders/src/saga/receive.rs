//! What a message makes of an order: in the `orchestrated` coordination a reply to a command, in the
//! `choreographed` one an event of another module.
//!
//! The message is noted in the inbox, the order moves, and what follows from that is posted, in one
//! transaction. So a message that comes twice moves an order once, and none is lost in between.

use chassis::store::StoreError;
use contracts::messages::{CommandReply, Message};
use contracts::orders::Coordination;

use super::Saga;
use crate::domain::{Input, StoredOrder, messages, progress};
use crate::store::{Change, Lease, Receipt};

impl Saga {
    /// Goes on with an orchestrated order after `reply`, which is what `message` says.
    pub async fn receive_reply(
        &self,
        queue: &'static str,
        message: &Message,
        reply: &CommandReply,
    ) -> Result<Change, StoreError> {
        let Some(input) = messages::replied(reply) else {
            let command = &reply.command;
            tracing::warn!(command, "a reply to {command}, a command that nobody gave");
            return Ok(Change::NoOrder);
        };
        self.receive(Coordination::Orchestrated, queue, message, &input).await
    }

    /// Notes what `message`, an event of another module, says about a choreographed order: `input`.
    pub async fn receive_event(
        &self,
        queue: &'static str,
        message: &Message,
        input: &Input,
    ) -> Result<Change, StoreError> {
        self.receive(Coordination::Choreographed, queue, message, input).await
    }

    async fn receive(
        &self,
        expected: Coordination,
        queue: &'static str,
        message: &Message,
        input: &Input,
    ) -> Result<Change, StoreError> {
        let (receipt, trace) = (Receipt { queue, message: message.id }, message.trace.clone());
        let decide = |order: &StoredOrder, _: &Lease| {
            self.abort_point(&format!("{}:answered", order.state.name()));
            // what a message says about an order that is driven otherwise, its driver knows already
            if order.coordination != expected {
                return None;
            }
            let progress = progress(order, input, self.clock.now(), &trace.trace_id_hex())?;
            Some(self.transition(&trace, progress))
        };
        let change = self.store.order_change(message.subject, Some(&receipt), &decide).await?;
        match &change {
            Change::Made(transition) => self.stored(transition),
            Change::None | Change::ReceivedBefore => {}
            Change::NoOrder => {
                let (id, kind) = (message.subject, &message.kind);
                tracing::warn!(order_id = %id, kind, "{kind} is about order {id}, which is not here");
            }
        }
        Ok(change)
    }
}
