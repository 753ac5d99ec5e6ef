//! The payments port over the wire of the moment.

use async_trait::async_trait;
use contracts::payments::{
    AuditedPayment, AuthorizePayment, CapturePayment, GetPayment, Payment, Payments, Posting, RefundPayment,
    VoidPayment,
};
use contracts::types::{Page, PageRequest};
use contracts::{Context, PortResult};

use super::Edge;

#[async_trait]
impl Payments for Edge<dyn Payments> {
    async fn authorize(&self, ctx: &Context, request: AuthorizePayment) -> PortResult<Payment> {
        self.port().authorize(ctx, request).await
    }

    async fn capture(&self, ctx: &Context, request: CapturePayment) -> PortResult<Payment> {
        self.port().capture(ctx, request).await
    }

    async fn void(&self, ctx: &Context, request: VoidPayment) -> PortResult<Payment> {
        self.port().void(ctx, request).await
    }

    async fn refund(&self, ctx: &Context, request: RefundPayment) -> PortResult<Payment> {
        self.port().refund(ctx, request).await
    }

    async fn payment(&self, ctx: &Context, request: GetPayment) -> PortResult<Payment> {
        self.port().payment(ctx, request).await
    }

    async fn ledger(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<Posting>> {
        self.port().ledger(ctx, request).await
    }

    async fn audit(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<AuditedPayment>> {
        self.port().audit(ctx, request).await
    }
}
