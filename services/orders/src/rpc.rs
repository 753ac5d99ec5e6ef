//! Orders over AMQP.

use std::sync::Arc;

use chassis::messaging::rpc::Operations;
use contracts::orders::{AUDIT, CANCEL, FOLLOW, LIST, ORDER, Orders, PLACE, TIMELINE};

/// One line an operation.
pub fn operations(port: Arc<dyn Orders>) -> Operations<dyn Orders> {
    Operations::over("orders", port)
        .unary(&PLACE, |port, ctx, request| async move { port.place(&ctx, request).await })
        .unary(&ORDER, |port, ctx, request| async move { port.order(&ctx, request).await })
        .unary(&CANCEL, |port, ctx, request| async move { port.cancel(&ctx, request).await })
        .unary(&LIST, |port, ctx, request| async move { port.list(&ctx, request).await })
        .unary(&TIMELINE, |port, ctx, request| async move { port.timeline(&ctx, request).await })
        .stream(&FOLLOW, |port, ctx, request| async move { port.follow(&ctx, request).await })
        .unary(&AUDIT, |port, ctx, request| async move { port.audit(&ctx, request).await })
}
