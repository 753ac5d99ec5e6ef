//! The catalog over gRPC.

use std::sync::Arc;

use chassis::grpc::unary;
use contracts::catalog::{AUDIT, Catalog, LIST, PRODUCT, PRODUCTS, SEARCH};
use contracts::grpc::pb::catalog::catalog_server::{self, CatalogServer};
use contracts::grpc::pb::{catalog as pb, common};
use tonic::{Request, Response, Status, async_trait};

/// The routes.
pub fn routes(port: Arc<dyn Catalog>) -> axum::Router {
    chassis::grpc::routes(CatalogServer::new(Adapter { port }))
}

struct Adapter {
    port: Arc<dyn Catalog>,
}

#[async_trait]
impl catalog_server::Catalog for Adapter {
    async fn list(&self, request: Request<pb::ListRequest>) -> Result<Response<pb::ProductPage>, Status> {
        unary(&LIST, request, |ctx, input| async move { self.port.list(&ctx, input).await }).await
    }

    async fn search(&self, request: Request<pb::SearchRequest>) -> Result<Response<pb::ProductPage>, Status> {
        unary(&SEARCH, request, |ctx, input| async move { self.port.search(&ctx, input).await }).await
    }

    async fn product(&self, request: Request<pb::ProductRequest>) -> Result<Response<pb::Product>, Status> {
        unary(&PRODUCT, request, |ctx, input| async move { self.port.product(&ctx, input).await }).await
    }

    async fn products(
        &self,
        request: Request<pb::ProductsRequest>,
    ) -> Result<Response<pb::ProductList>, Status> {
        unary(&PRODUCTS, request, |ctx, input| async move { self.port.products(&ctx, input).await }).await
    }

    async fn audit(
        &self,
        request: Request<common::PageRequest>,
    ) -> Result<Response<pb::AuditedProductPage>, Status> {
        unary(&AUDIT, request, |ctx, input| async move { self.port.audit(&ctx, input).await }).await
    }
}
