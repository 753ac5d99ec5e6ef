//! The catalog over REST.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use chassis::http::{Answer, Ctx, Input, answer, route};
use contracts::catalog::{
    AUDIT, AuditedProduct, Catalog, GetProduct, GetProducts, LIST, ListProducts, PRODUCT, PRODUCTS, Product,
    Products, SEARCH, SearchProducts,
};
use contracts::types::{Page, PageRequest};

type Port = State<Arc<dyn Catalog>>;

/// The routes.
pub fn routes(port: Arc<dyn Catalog>) -> Router {
    Router::new()
        .merge(route(&LIST, list))
        .merge(route(&SEARCH, search))
        .merge(route(&PRODUCT, product))
        .merge(route(&PRODUCTS, products))
        .merge(route(&AUDIT, audit))
        .with_state(port)
}

async fn list(
    State(port): Port,
    Ctx(ctx): Ctx,
    Input(request): Input<ListProducts>,
) -> Answer<Page<Product>> {
    answer(port.list(&ctx, request).await)
}

async fn search(
    State(port): Port,
    Ctx(ctx): Ctx,
    Input(request): Input<SearchProducts>,
) -> Answer<Page<Product>> {
    answer(port.search(&ctx, request).await)
}

async fn product(State(port): Port, Ctx(ctx): Ctx, Input(request): Input<GetProduct>) -> Answer<Product> {
    answer(port.product(&ctx, request).await)
}

async fn products(State(port): Port, Ctx(ctx): Ctx, Input(request): Input<GetProducts>) -> Answer<Products> {
    answer(port.products(&ctx, request).await)
}

async fn audit(
    State(port): Port,
    Ctx(ctx): Ctx,
    Input(request): Input<PageRequest>,
) -> Answer<Page<AuditedProduct>> {
    answer(port.audit(&ctx, request).await)
}
