//! One effect, through the port of the module that it concerns.

use contracts::Context;
use contracts::messages::Command;

use super::Saga;
use crate::domain::{Effect, Input, StoredOrder, messages};

impl Saga {
    /// Asks for `effect`. Every call is keyed by the order's id, so that asking again is safe.
    pub(super) async fn perform(&self, ctx: &Context, order: &StoredOrder, effect: Effect) -> Input {
        let ctx = &ctx.onward("orders");
        let ports = &self.ports;
        let result = match messages::command(order, effect) {
            Command::ReserveStock(request) => ports.inventory.reserve(ctx, request).await.map(drop),
            Command::CommitStock(request) => ports.inventory.commit(ctx, request).await.map(drop),
            Command::ReleaseStock(request) => ports.inventory.release(ctx, request).await.map(drop),
            Command::AuthorizePayment(request) => ports.payments.authorize(ctx, request).await.map(drop),
            Command::CapturePayment(request) => ports.payments.capture(ctx, request).await.map(drop),
            Command::VoidPayment(request) => ports.payments.void(ctx, request).await.map(drop),
            Command::RefundPayment(request) => ports.payments.refund(ctx, request).await.map(drop),
            Command::ScheduleShipment(request) => ports.shipping.schedule(ctx, request).await.map(drop),
            Command::CancelShipment(request) | Command::RecallShipment(request) => {
                ports.shipping.cancel(ctx, request).await.map(drop)
            }
        };
        match result {
            Ok(()) => Input::Done(effect),
            Err(error) => {
                let order_id = order.id;
                tracing::info!(%order_id, %error, "order {order_id}: {effect:?} did not succeed: {error}");
                messages::failed(effect, error)
            }
        }
    }
}
