//! The inventory over AMQP.

use std::sync::Arc;

use chassis::messaging::rpc::Operations;
use contracts::inventory::{AUDIT, COMMIT, Inventory, RELEASE, RESERVATION, RESERVE, STOCK, WATCH};

/// One line an operation.
pub fn operations(port: Arc<dyn Inventory>) -> Operations<dyn Inventory> {
    Operations::over("inventory", port)
        .unary(&STOCK, |port, ctx, request| async move { port.stock(&ctx, request).await })
        .unary(&RESERVE, |port, ctx, request| async move { port.reserve(&ctx, request).await })
        .unary(&COMMIT, |port, ctx, request| async move { port.commit(&ctx, request).await })
        .unary(&RELEASE, |port, ctx, request| async move { port.release(&ctx, request).await })
        .unary(&RESERVATION, |port, ctx, request| async move { port.reservation(&ctx, request).await })
        .duplex(&WATCH, |port, ctx, changes| async move { port.watch(&ctx, changes).await })
        .unary(&AUDIT, |port, ctx, request| async move { port.audit(&ctx, request).await })
}
