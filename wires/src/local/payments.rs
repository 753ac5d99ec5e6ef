//! The payments port in the same process.

use async_trait::async_trait;
use contracts::payments::{
    AUDIT, AUTHORIZE, AuditedPayment, AuthorizePayment, CAPTURE, CapturePayment, GetPayment, LEDGER, PAYMENT,
    Payment, Payments, Posting, REFUND, RefundPayment, VOID, VoidPayment,
};
use contracts::types::{Page, PageRequest};
use contracts::{Context, PortResult};

use super::Local;

#[async_trait]
impl Payments for Local<dyn Payments> {
    async fn authorize(&self, ctx: &Context, request: AuthorizePayment) -> PortResult<Payment> {
        self.call(&AUTHORIZE, ctx, |port, ctx| async move { port.authorize(&ctx, request).await }).await
    }

    async fn capture(&self, ctx: &Context, request: CapturePayment) -> PortResult<Payment> {
        self.call(&CAPTURE, ctx, |port, ctx| async move { port.capture(&ctx, request).await }).await
    }

    async fn void(&self, ctx: &Context, request: VoidPayment) -> PortResult<Payment> {
        self.call(&VOID, ctx, |port, ctx| async move { port.void(&ctx, request).await }).await
    }

    async fn refund(&self, ctx: &Context, request: RefundPayment) -> PortResult<Payment> {
        self.call(&REFUND, ctx, |port, ctx| async move { port.refund(&ctx, request).await }).await
    }

    async fn payment(&self, ctx: &Context, request: GetPayment) -> PortResult<Payment> {
        self.call(&PAYMENT, ctx, |port, ctx| async move { port.payment(&ctx, request).await }).await
    }

    async fn ledger(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<Posting>> {
        self.call(&LEDGER, ctx, |port, ctx| async move { port.ledger(&ctx, request).await }).await
    }

    async fn audit(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<AuditedPayment>> {
        self.call(&AUDIT, ctx, |port, ctx| async move { port.audit(&ctx, request).await }).await
    }
}
