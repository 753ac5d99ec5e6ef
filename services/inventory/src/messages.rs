//! The inventory over messages: commands and events come in, what came of them goes out.

use async_trait::async_trait;
use chassis::messaging::participant::Participant;
use contracts::inventory::Reservation;
use contracts::messages::Origin;
use contracts::{Context, PortResult};

use crate::reactions::Request;
use crate::service::Service;

#[async_trait]
impl Participant for Service {
    type Request = Request;

    async fn perform(&self, _: &Context, request: &Request, origin: &Origin) -> PortResult<Reservation> {
        self.answer(request, origin).await
    }
}
