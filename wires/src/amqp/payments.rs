//! The payments port over AMQP.

use async_trait::async_trait;
use contracts::payments::{
    AUDIT, AUTHORIZE, AuditedPayment, AuthorizePayment, CAPTURE, CapturePayment, GetPayment, LEDGER, PAYMENT,
    Payment, Payments, Posting, REFUND, RefundPayment, VOID, VoidPayment,
};
use contracts::types::{Page, PageRequest};
use contracts::{Context, PortResult};

use super::AmqpClient;

#[async_trait]
impl Payments for AmqpClient {
    async fn authorize(&self, ctx: &Context, request: AuthorizePayment) -> PortResult<Payment> {
        self.call(&AUTHORIZE, ctx, &request).await
    }

    async fn capture(&self, ctx: &Context, request: CapturePayment) -> PortResult<Payment> {
        self.call(&CAPTURE, ctx, &request).await
    }

    async fn void(&self, ctx: &Context, request: VoidPayment) -> PortResult<Payment> {
        self.call(&VOID, ctx, &request).await
    }

    async fn refund(&self, ctx: &Context, request: RefundPayment) -> PortResult<Payment> {
        self.call(&REFUND, ctx, &request).await
    }

    async fn payment(&self, ctx: &Context, request: GetPayment) -> PortResult<Payment> {
        self.call(&PAYMENT, ctx, &request).await
    }

    async fn ledger(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<Posting>> {
        self.call(&LEDGER, ctx, &request).await
    }

    async fn audit(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<AuditedPayment>> {
        self.call(&AUDIT, ctx, &request).await
    }
}
