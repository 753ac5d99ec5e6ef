//! The catalog port in the same process.

use async_trait::async_trait;
use contracts::catalog::{
    AUDIT, AuditedProduct, Catalog, GetProduct, GetProducts, LIST, ListProducts, PRODUCT, PRODUCTS, Product,
    Products, SEARCH, SearchProducts,
};
use contracts::types::{Page, PageRequest};
use contracts::{Context, PortResult};

use super::Local;

#[async_trait]
impl Catalog for Local<dyn Catalog> {
    async fn list(&self, ctx: &Context, request: ListProducts) -> PortResult<Page<Product>> {
        self.call(&LIST, ctx, |port, ctx| async move { port.list(&ctx, request).await }).await
    }

    async fn search(&self, ctx: &Context, request: SearchProducts) -> PortResult<Page<Product>> {
        self.call(&SEARCH, ctx, |port, ctx| async move { port.search(&ctx, request).await }).await
    }

    async fn product(&self, ctx: &Context, request: GetProduct) -> PortResult<Product> {
        self.call(&PRODUCT, ctx, |port, ctx| async move { port.product(&ctx, request).await }).await
    }

    async fn products(&self, ctx: &Context, request: GetProducts) -> PortResult<Products> {
        self.call(&PRODUCTS, ctx, |port, ctx| async move { port.products(&ctx, request).await }).await
    }

    async fn audit(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<AuditedProduct>> {
        self.call(&AUDIT, ctx, |port, ctx| async move { port.audit(&ctx, request).await }).await
    }
}
