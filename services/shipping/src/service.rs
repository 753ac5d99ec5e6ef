//! Shipping's port: checks what is asked, and lets domain and store settle it.

use std::sync::Arc;

use async_trait::async_trait;
use chassis::clock::Clock;
use contracts::messages::Origin;
use contracts::shipping::{
    CancelShipment, GetShipment, Quote, QuoteShipping, ScheduleShipment, Shipment, Shipping, TrackShipment,
    TrackingEvent,
};
use contracts::types::{Cursor, Page, PageRequest};
use contracts::{Code, Context, OrderId, PortResult, Problem, Streaming};

use crate::domain::{request, tariff};
use crate::reactions::Request;
use crate::store::ShippingStore;
use crate::tracking::Tracker;

/// [`Shipping`] on a store.
pub struct Service {
    store: Arc<dyn ShippingStore>,
    clock: Arc<dyn Clock>,
    tracker: Tracker,
}

impl Service {
    /// The port on `store`; `tracker` is the one that the carriers tell of their moves.
    pub fn new(store: Arc<dyn ShippingStore>, clock: Arc<dyn Clock>, tracker: Tracker) -> Self {
        Self { store, clock, tracker }
    }

    /// Does what is asked, for somebody who called or sent a message: what is said about the shipment later
    /// is said under `origin`.
    pub(crate) async fn answer(&self, request: &Request, origin: &Origin) -> PortResult<Shipment> {
        match request {
            Request::Schedule(request) => {
                request::check_schedule(request)?;
                Ok(self.store.shipment_schedule(request, self.clock.now(), origin).await??)
            }
            Request::Cancel(request) => {
                let shipment = self.store.shipment_cancel(request, self.clock.now(), origin).await??;
                self.tracker.moved(request.order_id);
                Ok(shipment)
            }
        }
    }
}

#[async_trait]
impl Shipping for Service {
    async fn quote(&self, _: &Context, request: QuoteShipping) -> PortResult<Quote> {
        request::check_quote(&request)?;
        Ok(tariff::quote(&request.country, request.weight_grams)?)
    }

    async fn schedule(&self, ctx: &Context, request: ScheduleShipment) -> PortResult<Shipment> {
        self.answer(&Request::Schedule(request), &Origin::of_call(ctx)).await
    }

    async fn cancel(&self, ctx: &Context, request: CancelShipment) -> PortResult<Shipment> {
        self.answer(&Request::Cancel(request), &Origin::of_call(ctx)).await
    }

    async fn shipment(&self, _: &Context, request: GetShipment) -> PortResult<Shipment> {
        let found = self.store.shipment(request.order_id).await?;
        Ok(found.ok_or_else(|| Problem::not_found(format!("shipment of order {}", request.order_id)))?)
    }

    async fn track(
        &self,
        _: &Context,
        request: TrackShipment,
    ) -> PortResult<Streaming<PortResult<TrackingEvent>>> {
        self.tracker.follow(request.order_id).await
    }

    async fn audit(&self, _: &Context, request: PageRequest) -> PortResult<Page<Shipment>> {
        let (after, limit) = request.resolve()?;
        if !after.is_empty() && OrderId::parse("cursor", &after).is_err() {
            let text = Cursor(after).encode();
            return Err(Problem::new(
                Code::InvalidCursor,
                format!("cursor {text:?} belongs to another listing"),
            )
            .into());
        }
        let shipments = self.store.shipments_page(&after, limit + 1).await?;
        Ok(Page::from_overfull(shipments, limit, |shipment| shipment.order_id.to_string()))
    }
}
