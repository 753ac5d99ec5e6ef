//! Payments over gRPC.

use std::sync::Arc;

use chassis::grpc::unary;
use contracts::grpc::pb::common;
use contracts::grpc::pb::payments as pb;
use contracts::grpc::pb::payments::payments_server::{Payments as Server, PaymentsServer};
use contracts::payments::{AUDIT, AUTHORIZE, CAPTURE, LEDGER, PAYMENT, Payments, REFUND, VOID};
use tonic::{Request, Response, Status};

/// The routes.
pub fn routes(port: Arc<dyn Payments>) -> axum::Router {
    chassis::grpc::routes(PaymentsServer::new(Adapter { port }))
}

struct Adapter {
    port: Arc<dyn Payments>,
}

type Reply<M> = Result<Response<M>, Status>;

#[tonic::async_trait]
impl Server for Adapter {
    async fn authorize(&self, request: Request<pb::AuthorizeRequest>) -> Reply<pb::Payment> {
        unary(&AUTHORIZE, request, |ctx, input| async move { self.port.authorize(&ctx, input).await }).await
    }

    async fn capture(&self, request: Request<pb::CaptureRequest>) -> Reply<pb::Payment> {
        unary(&CAPTURE, request, |ctx, input| async move { self.port.capture(&ctx, input).await }).await
    }

    async fn void(&self, request: Request<pb::VoidRequest>) -> Reply<pb::Payment> {
        unary(&VOID, request, |ctx, input| async move { self.port.void(&ctx, input).await }).await
    }

    async fn refund(&self, request: Request<pb::RefundRequest>) -> Reply<pb::Payment> {
        unary(&REFUND, request, |ctx, input| async move { self.port.refund(&ctx, input).await }).await
    }

    async fn payment(&self, request: Request<pb::PaymentRequest>) -> Reply<pb::Payment> {
        unary(&PAYMENT, request, |ctx, input| async move { self.port.payment(&ctx, input).await }).await
    }

    async fn ledger(&self, request: Request<common::PageRequest>) -> Reply<pb::PostingPage> {
        unary(&LEDGER, request, |ctx, input| async move { self.port.ledger(&ctx, input).await }).await
    }

    async fn audit(&self, request: Request<common::PageRequest>) -> Reply<pb::AuditedPaymentPage> {
        unary(&AUDIT, request, |ctx, input| async move { self.port.audit(&ctx, input).await }).await
    }
}
