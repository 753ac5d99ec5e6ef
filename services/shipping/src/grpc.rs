//! Shipping over gRPC. Tracking is a server stream.

use std::sync::Arc;

use chassis::grpc::{read, streaming, unary};
use contracts::grpc::pb::shipping::shipping_server::{self, ShippingServer};
use contracts::grpc::pb::{common, shipping as pb};
use contracts::grpc::{Proto as _, status::to_status};
use contracts::shipping::{AUDIT, CANCEL, QUOTE, SCHEDULE, SHIPMENT, Shipping, TRACK, TrackShipment};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use tonic::{Request, Response, Status, async_trait};

/// The routes.
pub fn routes(port: Arc<dyn Shipping>) -> axum::Router {
    chassis::grpc::routes(ShippingServer::new(Adapter { port }))
}

struct Adapter {
    port: Arc<dyn Shipping>,
}

#[async_trait]
impl shipping_server::Shipping for Adapter {
    type TrackStream = BoxStream<'static, Result<pb::TrackingEvent, Status>>;

    async fn quote(&self, request: Request<pb::QuoteRequest>) -> Result<Response<pb::Quote>, Status> {
        unary(&QUOTE, request, |ctx, input| async move { self.port.quote(&ctx, input).await }).await
    }

    async fn schedule(
        &self,
        request: Request<pb::ScheduleRequest>,
    ) -> Result<Response<pb::Shipment>, Status> {
        unary(&SCHEDULE, request, |ctx, input| async move { self.port.schedule(&ctx, input).await }).await
    }

    async fn cancel(&self, request: Request<pb::CancelRequest>) -> Result<Response<pb::Shipment>, Status> {
        unary(&CANCEL, request, |ctx, input| async move { self.port.cancel(&ctx, input).await }).await
    }

    async fn shipment(
        &self,
        request: Request<pb::ShipmentRequest>,
    ) -> Result<Response<pb::Shipment>, Status> {
        unary(&SHIPMENT, request, |ctx, input| async move { self.port.shipment(&ctx, input).await }).await
    }

    async fn track(&self, request: Request<pb::TrackRequest>) -> Result<Response<Self::TrackStream>, Status> {
        let (ctx, message) = read(&TRACK, request)?;
        let input = TrackShipment::from_message(message).map_err(|problem| to_status(&problem))?;
        let stations =
            self.port.track(&ctx, input).await.map_err(|error| to_status(&error.into_problem()))?;
        Ok(Response::new(streaming(stations).boxed()))
    }

    async fn audit(
        &self,
        request: Request<common::PageRequest>,
    ) -> Result<Response<pb::ShipmentPage>, Status> {
        unary(&AUDIT, request, |ctx, input| async move { self.port.audit(&ctx, input).await }).await
    }
}
