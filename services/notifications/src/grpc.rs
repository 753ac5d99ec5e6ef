//! Notifications over gRPC. The stream is a server stream.

use std::sync::Arc;

use chassis::grpc::{read, streaming, unary};
use contracts::grpc::pb::notifications::notifications_server::{self, NotificationsServer};
use contracts::grpc::pb::{common, notifications as pb};
use contracts::grpc::{Proto as _, status::to_status};
use contracts::notifications::{AUDIT, LIST, Notifications, STREAM, StreamNotifications};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use tonic::{Request, Response, Status, async_trait};

/// The routes.
pub fn routes(port: Arc<dyn Notifications>) -> axum::Router {
    chassis::grpc::routes(NotificationsServer::new(Adapter { port }))
}

struct Adapter {
    port: Arc<dyn Notifications>,
}

#[async_trait]
impl notifications_server::Notifications for Adapter {
    type StreamStream = BoxStream<'static, Result<pb::Notification, Status>>;

    async fn list(
        &self,
        request: Request<pb::ListRequest>,
    ) -> Result<Response<pb::NotificationPage>, Status> {
        unary(&LIST, request, |ctx, input| async move { self.port.list(&ctx, input).await }).await
    }

    async fn stream(
        &self,
        request: Request<pb::StreamRequest>,
    ) -> Result<Response<Self::StreamStream>, Status> {
        let (ctx, message) = read(&STREAM, request)?;
        let input = StreamNotifications::from_message(message).map_err(|problem| to_status(&problem))?;
        let notifications =
            self.port.stream(&ctx, input).await.map_err(|error| to_status(&error.into_problem()))?;
        Ok(Response::new(streaming(notifications).boxed()))
    }

    async fn audit(
        &self,
        request: Request<common::PageRequest>,
    ) -> Result<Response<pb::NotificationPage>, Status> {
        unary(&AUDIT, request, |ctx, input| async move { self.port.audit(&ctx, input).await }).await
    }
}
