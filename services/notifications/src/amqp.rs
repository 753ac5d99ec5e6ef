//! Notifications over AMQP.

use std::sync::Arc;

use chassis::messaging::rpc::Operations;
use contracts::notifications::{AUDIT, LIST, Notifications, STREAM};

/// One line an operation.
pub fn operations(port: Arc<dyn Notifications>) -> Operations<dyn Notifications> {
    Operations::over("notifications", port)
        .unary(&LIST, |port, ctx, request| async move { port.list(&ctx, request).await })
        .stream(&STREAM, |port, ctx, request| async move { port.stream(&ctx, request).await })
        .unary(&AUDIT, |port, ctx, request| async move { port.audit(&ctx, request).await })
}
