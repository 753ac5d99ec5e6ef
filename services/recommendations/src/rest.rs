//! Recommendations over REST.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use chassis::http::{Answer, Ctx, Input, answer, route};
use contracts::recommendations::{
    AUDIT, FOR_CUSTOMER, FOR_PRODUCT, ProjectedOrder, RecommendForCustomer, RecommendForProduct,
    Recommendations, Recommended,
};
use contracts::types::{Page, PageRequest};

type Port = State<Arc<dyn Recommendations>>;

/// The routes.
pub fn routes(port: Arc<dyn Recommendations>) -> Router {
    Router::new()
        .merge(route(&FOR_PRODUCT, for_product))
        .merge(route(&FOR_CUSTOMER, for_customer))
        .merge(route(&AUDIT, audit))
        .with_state(port)
}

async fn for_product(
    State(port): Port,
    Ctx(ctx): Ctx,
    Input(request): Input<RecommendForProduct>,
) -> Answer<Recommended> {
    answer(port.for_product(&ctx, request).await)
}

async fn for_customer(
    State(port): Port,
    Ctx(ctx): Ctx,
    Input(request): Input<RecommendForCustomer>,
) -> Answer<Recommended> {
    answer(port.for_customer(&ctx, request).await)
}

async fn audit(
    State(port): Port,
    Ctx(ctx): Ctx,
    Input(request): Input<PageRequest>,
) -> Answer<Page<ProjectedOrder>> {
    answer(port.audit(&ctx, request).await)
}
