//! Shipping over AMQP.

use std::sync::Arc;

use chassis::messaging::rpc::Operations;
use contracts::shipping::{AUDIT, CANCEL, QUOTE, SCHEDULE, SHIPMENT, Shipping, TRACK};

/// One line an operation.
pub fn operations(port: Arc<dyn Shipping>) -> Operations<dyn Shipping> {
    Operations::over("shipping", port)
        .unary(&QUOTE, |port, ctx, request| async move { port.quote(&ctx, request).await })
        .unary(&SCHEDULE, |port, ctx, request| async move { port.schedule(&ctx, request).await })
        .unary(&CANCEL, |port, ctx, request| async move { port.cancel(&ctx, request).await })
        .unary(&SHIPMENT, |port, ctx, request| async move { port.shipment(&ctx, request).await })
        .stream(&TRACK, |port, ctx, request| async move { port.track(&ctx, request).await })
        .unary(&AUDIT, |port, ctx, request| async move { port.audit(&ctx, request).await })
}
