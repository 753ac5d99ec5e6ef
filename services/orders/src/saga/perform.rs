//! One effect, through the port of the module that it concerns; and what its answer means to the saga.

use contracts::inventory::{CommitStock, ReleaseStock, ReserveStock};
use contracts::payments::{AuthorizePayment, CapturePayment, RefundPayment, VoidPayment};
use contracts::shipping::{CancelShipment, Recall, ScheduleShipment};
use contracts::types::Line;
use contracts::{Code, Context, Effect as Happened, PortError};

use super::Saga;
use crate::domain::{Effect, Input, Reason, weight_grams};
use crate::store::StoredOrder;

impl Saga {
    /// Asks for `effect`. Every call is keyed by the order's id, so that asking again is safe.
    pub(super) async fn perform(&self, ctx: &Context, order: &StoredOrder, effect: Effect) -> Input {
        let ctx = &ctx.onward("orders");
        let order_id = order.id;
        let ports = &self.ports;
        let result = match effect {
            Effect::ReserveStock => {
                let lines =
                    order.lines.iter().map(|line| Line { sku: line.sku.clone(), quantity: line.quantity });
                let request = ReserveStock { order_id, lines: lines.collect() };
                ports.inventory.reserve(ctx, request).await.map(drop)
            }
            Effect::AuthorizePayment => {
                let request = AuthorizePayment { order_id, amount: order.total, card: order.card.clone() };
                ports.payments.authorize(ctx, request).await.map(drop)
            }
            Effect::ScheduleShipment => {
                let (address, weight_grams) = (order.address.clone(), weight_grams(&order.lines));
                let request = ScheduleShipment { order_id, address, weight_grams };
                ports.shipping.schedule(ctx, request).await.map(drop)
            }
            Effect::CommitStock => ports.inventory.commit(ctx, CommitStock { order_id }).await.map(drop),
            Effect::CapturePayment => {
                ports.payments.capture(ctx, CapturePayment { order_id }).await.map(drop)
            }
            Effect::RecallShipment => {
                let request = CancelShipment { order_id, recall: Recall::IfShipped };
                ports.shipping.cancel(ctx, request).await.map(drop)
            }
            Effect::CancelShipment => {
                let request = CancelShipment { order_id, recall: Recall::Never };
                ports.shipping.cancel(ctx, request).await.map(drop)
            }
            Effect::VoidPayment => ports.payments.void(ctx, VoidPayment { order_id }).await.map(drop),
            Effect::ReleaseStock => ports.inventory.release(ctx, ReleaseStock { order_id }).await.map(drop),
            Effect::RefundPayment => ports.payments.refund(ctx, RefundPayment { order_id }).await.map(drop),
        };
        match result {
            Ok(()) => Input::Done(effect),
            Err(error) => {
                tracing::info!(%order_id, %error, "order {order_id}: {effect:?} did not succeed: {error}");
                judged(effect, error)
            }
        }
    }
}

/// What an error means: a decision, a call that never was, or an open outcome.
fn judged(effect: Effect, error: PortError) -> Input {
    let happened = error.effect();
    let problem = error.into_problem();
    let reason = Reason { code: problem.code, detail: problem.detail };
    match happened {
        Happened::Unknown => Input::Unknown(effect, reason),
        Happened::None if is_decision(reason.code) => Input::Refused(effect, reason),
        Happened::None => Input::NotBegun(effect, reason),
    }
}

/// Whether a service that answers with this code has thought about it, and will say the same again.
fn is_decision(code: Code) -> bool {
    !matches!(
        code,
        Code::Unavailable
            | Code::DependencyUnavailable
            | Code::DeadlineExceeded
            | Code::InProgress
            | Code::BadGateway
    )
}

#[cfg(test)]
mod tests {
    use contracts::{Problem, RemoteFailure, RemoteReason};

    use super::*;

    fn failure(effect: Happened) -> PortError {
        RemoteFailure {
            operation: "payments.authorize".into(),
            wire: "rest".into(),
            reason: RemoteReason::Broken,
            effect,
            detail: String::new(),
        }
        .into()
    }

    #[test]
    fn only_a_decision_counts_as_one() {
        let judge = |error| judged(Effect::AuthorizePayment, error);
        assert!(matches!(judge(Problem::new(Code::CardDeclined, "").into()), Input::Refused(..)));
        assert!(matches!(judge(Problem::new(Code::Unavailable, "").into()), Input::NotBegun(..)));
        assert!(matches!(judge(Problem::new(Code::OutcomeUnknown, "").into()), Input::Unknown(..)));
        assert!(matches!(judge(Problem::internal().into()), Input::Unknown(..)));
        assert!(matches!(judge(failure(Happened::None)), Input::NotBegun(..)));
        assert!(matches!(judge(failure(Happened::Unknown)), Input::Unknown(..)));
    }
}
