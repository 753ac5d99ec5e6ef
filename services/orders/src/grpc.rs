//! Orders over gRPC.

use std::sync::Arc;

use axum::Router;
use chassis::grpc::{read, streaming, unary};
use contracts::grpc::pb::common as common_pb;
use contracts::grpc::pb::orders as pb;
use contracts::grpc::pb::orders::orders_server::{Orders as OrdersRpc, OrdersServer};
use contracts::grpc::{Proto as _, status::to_status};
use contracts::orders::{AUDIT, CANCEL, FOLLOW, FollowOrder, LIST, ORDER, Orders, PLACE, TIMELINE};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use tonic::{Request, Response, Status};

/// The service `tradewind.orders.v1.Orders`.
pub fn routes(port: Arc<dyn Orders>) -> Router {
    chassis::grpc::routes(OrdersServer::new(Adapter { port }))
}

struct Adapter {
    port: Arc<dyn Orders>,
}

#[tonic::async_trait]
impl OrdersRpc for Adapter {
    type FollowStream = BoxStream<'static, Result<pb::TimelineEntry, Status>>;

    async fn place(&self, request: Request<pb::PlaceRequest>) -> Result<Response<pb::Order>, Status> {
        unary(&PLACE, request, |ctx, input| async move { self.port.place(&ctx, input).await }).await
    }

    async fn order(&self, request: Request<pb::OrderRequest>) -> Result<Response<pb::Order>, Status> {
        unary(&ORDER, request, |ctx, input| async move { self.port.order(&ctx, input).await }).await
    }

    async fn cancel(&self, request: Request<pb::CancelRequest>) -> Result<Response<pb::Order>, Status> {
        unary(&CANCEL, request, |ctx, input| async move { self.port.cancel(&ctx, input).await }).await
    }

    async fn list(&self, request: Request<pb::ListRequest>) -> Result<Response<pb::OrderPage>, Status> {
        unary(&LIST, request, |ctx, input| async move { self.port.list(&ctx, input).await }).await
    }

    async fn timeline(
        &self,
        request: Request<pb::TimelineRequest>,
    ) -> Result<Response<pb::Timeline>, Status> {
        unary(&TIMELINE, request, |ctx, input| async move { self.port.timeline(&ctx, input).await }).await
    }

    async fn follow(
        &self,
        request: Request<pb::FollowRequest>,
    ) -> Result<Response<Self::FollowStream>, Status> {
        let (ctx, message) = read(&FOLLOW, request)?;
        let input = FollowOrder::from_message(message).map_err(|problem| to_status(&problem))?;
        let entries =
            self.port.follow(&ctx, input).await.map_err(|error| to_status(&error.into_problem()))?;
        Ok(Response::new(streaming(entries).boxed()))
    }

    async fn audit(
        &self,
        request: Request<common_pb::PageRequest>,
    ) -> Result<Response<pb::OrderPage>, Status> {
        unary(&AUDIT, request, |ctx, input| async move { self.port.audit(&ctx, input).await }).await
    }
}
