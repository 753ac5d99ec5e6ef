//! The catalog port over AMQP.

use async_trait::async_trait;
use contracts::catalog::{
    AUDIT, AuditedProduct, Catalog, GetProduct, GetProducts, LIST, ListProducts, PRODUCT, PRODUCTS, Product,
    Products, SEARCH, SearchProducts,
};
use contracts::types::{Page, PageRequest};
use contracts::{Context, PortResult};

use super::AmqpClient;

#[async_trait]
impl Catalog for AmqpClient {
    async fn list(&self, ctx: &Context, request: ListProducts) -> PortResult<Page<Product>> {
        self.call(&LIST, ctx, &request).await
    }

    async fn search(&self, ctx: &Context, request: SearchProducts) -> PortResult<Page<Product>> {
        self.call(&SEARCH, ctx, &request).await
    }

    async fn product(&self, ctx: &Context, request: GetProduct) -> PortResult<Product> {
        self.call(&PRODUCT, ctx, &request).await
    }

    async fn products(&self, ctx: &Context, request: GetProducts) -> PortResult<Products> {
        self.call(&PRODUCTS, ctx, &request).await
    }

    async fn audit(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<AuditedProduct>> {
        self.call(&AUDIT, ctx, &request).await
    }
}
