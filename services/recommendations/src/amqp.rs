//! Recommendations over AMQP.

use std::sync::Arc;

use chassis::messaging::rpc::Operations;
use contracts::recommendations::{AUDIT, FOR_CUSTOMER, FOR_PRODUCT, Recommendations};

/// One line an operation.
pub fn operations(port: Arc<dyn Recommendations>) -> Operations<dyn Recommendations> {
    Operations::over("recommendations", port)
        .unary(&FOR_PRODUCT, |port, ctx, request| async move { port.for_product(&ctx, request).await })
        .unary(&FOR_CUSTOMER, |port, ctx, request| async move { port.for_customer(&ctx, request).await })
        .unary(&AUDIT, |port, ctx, request| async move { port.audit(&ctx, request).await })
}
