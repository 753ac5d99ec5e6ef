//! The catalog port over the wire of the moment.

use async_trait::async_trait;
use contracts::catalog::{
    AuditedProduct, Catalog, GetProduct, GetProducts, ListProducts, Product, Products, SearchProducts,
};
use contracts::types::{Page, PageRequest};
use contracts::{Context, PortResult};

use super::Edge;

#[async_trait]
impl Catalog for Edge<dyn Catalog> {
    async fn list(&self, ctx: &Context, request: ListProducts) -> PortResult<Page<Product>> {
        self.port().list(ctx, request).await
    }

    async fn search(&self, ctx: &Context, request: SearchProducts) -> PortResult<Page<Product>> {
        self.port().search(ctx, request).await
    }

    async fn product(&self, ctx: &Context, request: GetProduct) -> PortResult<Product> {
        self.port().product(ctx, request).await
    }

    async fn products(&self, ctx: &Context, request: GetProducts) -> PortResult<Products> {
        self.port().products(ctx, request).await
    }

    async fn audit(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<AuditedProduct>> {
        self.port().audit(ctx, request).await
    }
}
