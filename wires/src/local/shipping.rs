//! The shipping port in the same process.

use async_trait::async_trait;
use contracts::shipping::{
    AUDIT, CANCEL, CancelShipment, GetShipment, QUOTE, Quote, QuoteShipping, SCHEDULE, SHIPMENT,
    ScheduleShipment, Shipment, Shipping, TRACK, TrackShipment, TrackingEvent,
};
use contracts::types::{Page, PageRequest};
use contracts::{Context, PortResult, Streaming};

use super::Local;

#[async_trait]
impl Shipping for Local<dyn Shipping> {
    async fn quote(&self, ctx: &Context, request: QuoteShipping) -> PortResult<Quote> {
        self.call(&QUOTE, ctx, |port, ctx| async move { port.quote(&ctx, request).await }).await
    }

    async fn schedule(&self, ctx: &Context, request: ScheduleShipment) -> PortResult<Shipment> {
        self.call(&SCHEDULE, ctx, |port, ctx| async move { port.schedule(&ctx, request).await }).await
    }

    async fn cancel(&self, ctx: &Context, request: CancelShipment) -> PortResult<Shipment> {
        self.call(&CANCEL, ctx, |port, ctx| async move { port.cancel(&ctx, request).await }).await
    }

    async fn shipment(&self, ctx: &Context, request: GetShipment) -> PortResult<Shipment> {
        self.call(&SHIPMENT, ctx, |port, ctx| async move { port.shipment(&ctx, request).await }).await
    }

    async fn track(
        &self,
        ctx: &Context,
        request: TrackShipment,
    ) -> PortResult<Streaming<PortResult<TrackingEvent>>> {
        self.stream(&TRACK, ctx, |port, ctx| async move { port.track(&ctx, request).await }).await
    }

    async fn audit(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<Shipment>> {
        self.call(&AUDIT, ctx, |port, ctx| async move { port.audit(&ctx, request).await }).await
    }
}
