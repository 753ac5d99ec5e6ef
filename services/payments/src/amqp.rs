//! Payments over AMQP.

use std::sync::Arc;

use chassis::messaging::rpc::Operations;
use contracts::payments::{AUDIT, AUTHORIZE, CAPTURE, LEDGER, PAYMENT, Payments, REFUND, VOID};

/// One line an operation.
pub fn operations(port: Arc<dyn Payments>) -> Operations<dyn Payments> {
    Operations::over("payments", port)
        .unary(&AUTHORIZE, |port, ctx, request| async move { port.authorize(&ctx, request).await })
        .unary(&CAPTURE, |port, ctx, request| async move { port.capture(&ctx, request).await })
        .unary(&VOID, |port, ctx, request| async move { port.void(&ctx, request).await })
        .unary(&REFUND, |port, ctx, request| async move { port.refund(&ctx, request).await })
        .unary(&PAYMENT, |port, ctx, request| async move { port.payment(&ctx, request).await })
        .unary(&LEDGER, |port, ctx, request| async move { port.ledger(&ctx, request).await })
        .unary(&AUDIT, |port, ctx, request| async move { port.audit(&ctx, request).await })
}
