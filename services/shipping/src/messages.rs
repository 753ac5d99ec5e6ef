//! Shipping over messages: commands and events come in, what came of them goes out.

use async_trait::async_trait;
use chassis::messaging::participant::{Participant, Told};
use contracts::messages::topology::{SHIPPING_COMMANDS, SHIPPING_EVENTS};
use contracts::messages::{Command, Message, Origin, Queue};
use contracts::shipping::{Shipment, ShippingEvent};
use contracts::{Context, PortResult};

use crate::reactions::{self, Request};
use crate::service::Service;

#[async_trait]
impl Participant for Service {
    const NAME: &'static str = crate::NAME;
    const COMMANDS: &'static Queue = &SHIPPING_COMMANDS;
    const EVENTS: &'static Queue = &SHIPPING_EVENTS;

    type Request = Request;
    type Entry = Shipment;
    type Event = ShippingEvent;

    fn commanded(command: Command) -> Option<Request> {
        reactions::commanded(command)
    }

    fn asked(event: &Message) -> Result<Option<Request>, String> {
        reactions::asked(event)
    }

    fn told(request: &Request, result: &PortResult<Shipment>) -> Told<ShippingEvent> {
        reactions::told(request, result)
    }

    async fn perform(&self, _: &Context, request: &Request, origin: &Origin) -> PortResult<Shipment> {
        self.answer(request, origin).await
    }
}
