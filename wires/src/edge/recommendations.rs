//! The recommendations port over the wire of the moment.

use async_trait::async_trait;
use contracts::recommendations::{
    ProjectedOrder, RecommendForCustomer, RecommendForProduct, Recommendations, Recommended,
};
use contracts::types::{Page, PageRequest};
use contracts::{Context, PortResult};

use super::Edge;

#[async_trait]
impl Recommendations for Edge<dyn Recommendations> {
    async fn for_product(&self, ctx: &Context, request: RecommendForProduct) -> PortResult<Recommended> {
        self.port().for_product(ctx, request).await
    }

    async fn for_customer(&self, ctx: &Context, request: RecommendForCustomer) -> PortResult<Recommended> {
        self.port().for_customer(ctx, request).await
    }

    async fn audit(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<ProjectedOrder>> {
        self.port().audit(ctx, request).await
    }
}
