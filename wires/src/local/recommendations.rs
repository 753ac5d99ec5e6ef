//! The recommendations port in the same process.

use async_trait::async_trait;
use contracts::recommendations::{
    AUDIT, FOR_CUSTOMER, FOR_PRODUCT, ProjectedOrder, RecommendForCustomer, RecommendForProduct,
    Recommendations, Recommended,
};
use contracts::types::{Page, PageRequest};
use contracts::{Context, PortResult};

use super::Local;

#[async_trait]
impl Recommendations for Local<dyn Recommendations> {
    async fn for_product(&self, ctx: &Context, request: RecommendForProduct) -> PortResult<Recommended> {
        self.call(&FOR_PRODUCT, ctx, |port, ctx| async move { port.for_product(&ctx, request).await }).await
    }

    async fn for_customer(&self, ctx: &Context, request: RecommendForCustomer) -> PortResult<Recommended> {
        self.call(&FOR_CUSTOMER, ctx, |port, ctx| async move { port.for_customer(&ctx, request).await }).await
    }

    async fn audit(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<ProjectedOrder>> {
        self.call(&AUDIT, ctx, |port, ctx| async move { port.audit(&ctx, request).await }).await
    }
}
