//! The shipping port over AMQP.

use async_trait::async_trait;
use contracts::shipping::{
    AUDIT, CANCEL, CancelShipment, GetShipment, QUOTE, Quote, QuoteShipping, SCHEDULE, SHIPMENT,
    ScheduleShipment, Shipment, Shipping, TRACK, TrackShipment, TrackingEvent,
};
use contracts::types::{Page, PageRequest};
use contracts::{Context, PortResult, Streaming};

use super::AmqpClient;

#[async_trait]
impl Shipping for AmqpClient {
    async fn quote(&self, ctx: &Context, request: QuoteShipping) -> PortResult<Quote> {
        self.call(&QUOTE, ctx, &request).await
    }

    async fn schedule(&self, ctx: &Context, request: ScheduleShipment) -> PortResult<Shipment> {
        self.call(&SCHEDULE, ctx, &request).await
    }

    async fn cancel(&self, ctx: &Context, request: CancelShipment) -> PortResult<Shipment> {
        self.call(&CANCEL, ctx, &request).await
    }

    async fn shipment(&self, ctx: &Context, request: GetShipment) -> PortResult<Shipment> {
        self.call(&SHIPMENT, ctx, &request).await
    }

    async fn track(
        &self,
        ctx: &Context,
        request: TrackShipment,
    ) -> PortResult<Streaming<PortResult<TrackingEvent>>> {
        self.call_for_many(&TRACK, ctx, &request).await
    }

    async fn audit(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<Shipment>> {
        self.call(&AUDIT, ctx, &request).await
    }
}
