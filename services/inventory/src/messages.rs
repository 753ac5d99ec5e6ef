//! The inventory over messages: commands and events come in, what came of them goes out.

use async_trait::async_trait;
use chassis::messaging::participant::{Participant, Told};
use contracts::inventory::{InventoryEvent, Reservation};
use contracts::messages::topology::{INVENTORY_COMMANDS, INVENTORY_EVENTS};
use contracts::messages::{Command, Message, Origin, Queue};
use contracts::{Context, PortResult};

use crate::reactions::{self, Request};
use crate::service::Service;

#[async_trait]
impl Participant for Service {
    const NAME: &'static str = crate::NAME;
    const COMMANDS: &'static Queue = &INVENTORY_COMMANDS;
    const EVENTS: &'static Queue = &INVENTORY_EVENTS;

    type Request = Request;
    type Entry = Reservation;
    type Event = InventoryEvent;

    fn commanded(command: Command) -> Option<Request> {
        reactions::commanded(command)
    }

    fn asked(event: &Message) -> Result<Option<Request>, String> {
        reactions::asked(event)
    }

    fn told(request: &Request, result: &PortResult<Reservation>) -> Told<InventoryEvent> {
        reactions::told(request, result)
    }

    async fn perform(&self, _: &Context, request: &Request, origin: &Origin) -> PortResult<Reservation> {
        self.answer(request, origin).await
    }
}
