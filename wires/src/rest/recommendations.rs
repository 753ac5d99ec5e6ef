//! The recommendations port over REST.

use async_trait::async_trait;
use contracts::recommendations::{
    AUDIT, FOR_CUSTOMER, FOR_PRODUCT, ProjectedOrder, RecommendForCustomer, RecommendForProduct,
    Recommendations, Recommended,
};
use contracts::types::{Page, PageRequest};
use contracts::{Context, PortResult};

use super::RestClient;

#[async_trait]
impl Recommendations for RestClient {
    async fn for_product(&self, ctx: &Context, request: RecommendForProduct) -> PortResult<Recommended> {
        self.call(&FOR_PRODUCT, ctx, &request).await
    }

    async fn for_customer(&self, ctx: &Context, request: RecommendForCustomer) -> PortResult<Recommended> {
        self.call(&FOR_CUSTOMER, ctx, &request).await
    }

    async fn audit(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<ProjectedOrder>> {
        self.call(&AUDIT, ctx, &request).await
    }
}
