//! The inventory over gRPC.

use std::sync::Arc;

use axum::Router;
use chassis::grpc::{read, streaming, unary};
use contracts::Streaming;
use contracts::grpc::Proto;
use contracts::grpc::pb::common as common_pb;
use contracts::grpc::pb::inventory as pb;
use contracts::grpc::pb::inventory::inventory_server::{Inventory as InventoryRpc, InventoryServer};
use contracts::grpc::status::to_status;
use contracts::inventory::{
    AUDIT, COMMIT, Inventory, RELEASE, RESERVATION, RESERVE, STOCK, WATCH, WatchStock,
};
use futures::StreamExt;
use futures::stream::BoxStream;
use tonic::{Request, Response, Status};

/// The service `tradewind.inventory.v1.Inventory`.
pub fn routes(port: Arc<dyn Inventory>) -> Router {
    chassis::grpc::routes(InventoryServer::new(Adapter { port }))
}

struct Adapter {
    port: Arc<dyn Inventory>,
}

#[tonic::async_trait]
impl InventoryRpc for Adapter {
    type WatchStream = BoxStream<'static, Result<pb::StockLevel, Status>>;

    async fn stock(&self, request: Request<pb::StockRequest>) -> Result<Response<pb::StockLevel>, Status> {
        unary(&STOCK, request, |ctx, input| async move { self.port.stock(&ctx, input).await }).await
    }

    async fn reserve(
        &self,
        request: Request<pb::ReserveRequest>,
    ) -> Result<Response<pb::Reservation>, Status> {
        unary(&RESERVE, request, |ctx, input| async move { self.port.reserve(&ctx, input).await }).await
    }

    async fn commit(&self, request: Request<pb::CommitRequest>) -> Result<Response<pb::Reservation>, Status> {
        unary(&COMMIT, request, |ctx, input| async move { self.port.commit(&ctx, input).await }).await
    }

    async fn release(
        &self,
        request: Request<pb::ReleaseRequest>,
    ) -> Result<Response<pb::Reservation>, Status> {
        unary(&RELEASE, request, |ctx, input| async move { self.port.release(&ctx, input).await }).await
    }

    async fn reservation(
        &self,
        request: Request<pb::ReservationRequest>,
    ) -> Result<Response<pb::Reservation>, Status> {
        unary(&RESERVATION, request, |ctx, input| async move { self.port.reservation(&ctx, input).await })
            .await
    }

    async fn watch(
        &self,
        request: Request<tonic::Streaming<pb::WatchRequest>>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let (ctx, messages) = read(&WATCH, request)?;
        let levels = self.port.watch(&ctx, changes(messages)).await;
        let levels = levels.map_err(|error| to_status(&error.into_problem()))?;
        Ok(Response::new(streaming(levels).boxed()))
    }

    async fn audit(
        &self,
        request: Request<common_pb::PageRequest>,
    ) -> Result<Response<pb::InventoryRecordPage>, Status> {
        unary(&AUDIT, request, |ctx, input| async move { self.port.audit(&ctx, input).await }).await
    }
}

/// What the caller streams. A message that cannot be read ends it, as a line that cannot be read does
/// on REST.
fn changes(messages: tonic::Streaming<pb::WatchRequest>) -> Streaming<WatchStock> {
    messages
        .map(|message| message.ok().and_then(|message| WatchStock::from_message(message).ok()))
        .take_while(|change| std::future::ready(change.is_some()))
        .filter_map(std::future::ready)
        .boxed()
}
