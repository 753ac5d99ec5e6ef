//! The shipping port over the wire of the moment.

use async_trait::async_trait;
use contracts::shipping::{
    CancelShipment, GetShipment, Quote, QuoteShipping, ScheduleShipment, Shipment, Shipping, TrackShipment,
    TrackingEvent,
};
use contracts::types::{Page, PageRequest};
use contracts::{Context, PortResult, Streaming};

use super::Edge;

#[async_trait]
impl Shipping for Edge<dyn Shipping> {
    async fn quote(&self, ctx: &Context, request: QuoteShipping) -> PortResult<Quote> {
        self.port().quote(ctx, request).await
    }

    async fn schedule(&self, ctx: &Context, request: ScheduleShipment) -> PortResult<Shipment> {
        self.port().schedule(ctx, request).await
    }

    async fn cancel(&self, ctx: &Context, request: CancelShipment) -> PortResult<Shipment> {
        self.port().cancel(ctx, request).await
    }

    async fn shipment(&self, ctx: &Context, request: GetShipment) -> PortResult<Shipment> {
        self.port().shipment(ctx, request).await
    }

    async fn track(
        &self,
        ctx: &Context,
        request: TrackShipment,
    ) -> PortResult<Streaming<PortResult<TrackingEvent>>> {
        self.port().track(ctx, request).await
    }

    async fn audit(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<Shipment>> {
        self.port().audit(ctx, request).await
    }
}
