//! Payments over messages: commands and events come in, what came of them goes out.

use async_trait::async_trait;
use chassis::messaging::participant::{Participant, Told};
use contracts::messages::topology::{PAYMENTS_COMMANDS, PAYMENTS_EVENTS};
use contracts::messages::{Command, Message, Origin, Queue};
use contracts::payments::{Payment, PaymentEvent};
use contracts::{Context, PortResult};

use crate::reactions::{self, Request};
use crate::service::Service;

#[async_trait]
impl Participant for Service {
    const NAME: &'static str = crate::NAME;
    const COMMANDS: &'static Queue = &PAYMENTS_COMMANDS;
    const EVENTS: &'static Queue = &PAYMENTS_EVENTS;

    type Request = Request;
    type Entry = Payment;
    type Event = PaymentEvent;

    fn commanded(command: Command) -> Option<Request> {
        reactions::commanded(command)
    }

    fn asked(event: &Message) -> Result<Option<Request>, String> {
        reactions::asked(event)
    }

    fn told(request: &Request, result: &PortResult<Payment>) -> Told<PaymentEvent> {
        reactions::told(request, result)
    }

    async fn perform(&self, ctx: &Context, request: &Request, origin: &Origin) -> PortResult<Payment> {
        self.answer(ctx, request, origin).await
    }
}
