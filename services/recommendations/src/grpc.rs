//! Recommendations over gRPC.

use std::sync::Arc;

use chassis::grpc::unary;
use contracts::grpc::pb::recommendations::recommendations_server::{self, RecommendationsServer};
use contracts::grpc::pb::{common, recommendations as pb};
use contracts::recommendations::{AUDIT, FOR_CUSTOMER, FOR_PRODUCT, Recommendations};
use tonic::{Request, Response, Status, async_trait};

/// The routes.
pub fn routes(port: Arc<dyn Recommendations>) -> axum::Router {
    chassis::grpc::routes(RecommendationsServer::new(Adapter { port }))
}

struct Adapter {
    port: Arc<dyn Recommendations>,
}

#[async_trait]
impl recommendations_server::Recommendations for Adapter {
    async fn for_product(
        &self,
        request: Request<pb::ForProductRequest>,
    ) -> Result<Response<pb::Recommended>, Status> {
        unary(&FOR_PRODUCT, request, |ctx, input| async move { self.port.for_product(&ctx, input).await })
            .await
    }

    async fn for_customer(
        &self,
        request: Request<pb::ForCustomerRequest>,
    ) -> Result<Response<pb::Recommended>, Status> {
        unary(&FOR_CUSTOMER, request, |ctx, input| async move { self.port.for_customer(&ctx, input).await })
            .await
    }

    async fn audit(
        &self,
        request: Request<common::PageRequest>,
    ) -> Result<Response<pb::ProjectedOrderPage>, Status> {
        unary(&AUDIT, request, |ctx, input| async move { self.port.audit(&ctx, input).await }).await
    }
}
