//! The catalog over AMQP.

use std::sync::Arc;

use chassis::messaging::rpc::Operations;
use contracts::catalog::{AUDIT, Catalog, LIST, PRODUCT, PRODUCTS, SEARCH};

/// One line an operation.
pub fn operations(port: Arc<dyn Catalog>) -> Operations<dyn Catalog> {
    Operations::over("catalog", port)
        .unary(&LIST, |port, ctx, request| async move { port.list(&ctx, request).await })
        .unary(&SEARCH, |port, ctx, request| async move { port.search(&ctx, request).await })
        .unary(&PRODUCT, |port, ctx, request| async move { port.product(&ctx, request).await })
        .unary(&PRODUCTS, |port, ctx, request| async move { port.products(&ctx, request).await })
        .unary(&AUDIT, |port, ctx, request| async move { port.audit(&ctx, request).await })
}
