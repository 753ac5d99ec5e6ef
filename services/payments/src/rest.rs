//! Payments over REST.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use chassis::http::{Answer, Ctx, Input, answer, route};
use contracts::payments::{
    AUDIT, AUTHORIZE, AuditedPayment, AuthorizePayment, CAPTURE, CapturePayment, GetPayment, LEDGER, PAYMENT,
    Payment, Payments, Posting, REFUND, RefundPayment, VOID, VoidPayment,
};
use contracts::types::{Page, PageRequest};

type Port = State<Arc<dyn Payments>>;

/// The routes.
pub fn routes(port: Arc<dyn Payments>) -> Router {
    Router::new()
        .merge(route(&AUTHORIZE, authorize))
        .merge(route(&CAPTURE, capture))
        .merge(route(&VOID, void))
        .merge(route(&REFUND, refund))
        .merge(route(&PAYMENT, payment))
        .merge(route(&LEDGER, ledger))
        .merge(route(&AUDIT, audit))
        .with_state(port)
}

async fn authorize(
    State(port): Port,
    Ctx(ctx): Ctx,
    Input(request): Input<AuthorizePayment>,
) -> Answer<Payment> {
    answer(port.authorize(&ctx, request).await)
}

async fn capture(State(port): Port, Ctx(ctx): Ctx, Input(request): Input<CapturePayment>) -> Answer<Payment> {
    answer(port.capture(&ctx, request).await)
}

async fn void(State(port): Port, Ctx(ctx): Ctx, Input(request): Input<VoidPayment>) -> Answer<Payment> {
    answer(port.void(&ctx, request).await)
}

async fn refund(State(port): Port, Ctx(ctx): Ctx, Input(request): Input<RefundPayment>) -> Answer<Payment> {
    answer(port.refund(&ctx, request).await)
}

async fn payment(State(port): Port, Ctx(ctx): Ctx, Input(request): Input<GetPayment>) -> Answer<Payment> {
    answer(port.payment(&ctx, request).await)
}

async fn ledger(
    State(port): Port,
    Ctx(ctx): Ctx,
    Input(request): Input<PageRequest>,
) -> Answer<Page<Posting>> {
    answer(port.ledger(&ctx, request).await)
}

async fn audit(
    State(port): Port,
    Ctx(ctx): Ctx,
    Input(request): Input<PageRequest>,
) -> Answer<Page<AuditedPayment>> {
    answer(port.audit(&ctx, request).await)
}
