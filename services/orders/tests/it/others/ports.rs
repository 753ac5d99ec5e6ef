//! The ports of the faked modules.

use async_trait::async_trait;
use contracts::catalog::{
    AuditedProduct, Catalog, GetProduct, GetProducts, ListProducts, Product, Products, SearchProducts,
};
use contracts::inventory::{
    CommitStock, GetReservation, GetStock, Inventory, InventoryRecord, ReleaseStock, Reservation,
    ReservationStatus, ReserveStock, StockLevel, WatchStock,
};
use contracts::payments::{
    AuditedPayment, AuthorizePayment, CapturePayment, GetPayment, Payment, PaymentStatus, Payments, Posting,
    RefundPayment, VoidPayment,
};
use contracts::shipping::{
    CancelShipment, GetShipment, Quote, QuoteShipping, Recall, ScheduleShipment, Shipment, ShipmentStatus,
    Shipping, TrackShipment, TrackingEvent,
};
use contracts::types::{Page, PageRequest};
use contracts::{Context, Money, OrderId, PortResult, Sku, Streaming, Timestamp};
use uuid::Uuid;

use super::{Call, Others};

/// What one of anything costs, in cents.
pub const PRICE: i64 = 1999;
/// What the carrier takes, in cents.
pub const SHIPPING: i64 = 490;
/// A product that costs more than can be counted.
pub const PRICELESS: &str = "PRICELESS";

const WHEN: Timestamp = Timestamp(1_700_000_000_000_000);

/// Stands for the order in calls that come before there is one.
const NO_ORDER: OrderId = OrderId(Uuid::nil());

fn product(sku: Sku) -> Product {
    let price = Money::eur(if sku.0 == PRICELESS { i64::MAX } else { PRICE });
    let (name, description, category) = (format!("A fine {sku}"), String::new(), String::new());
    Product { sku, name, description, category, price, weight_grams: 250, version: 1 }
}

#[async_trait]
impl Catalog for Others {
    async fn products(&self, ctx: &Context, request: GetProducts) -> PortResult<Products> {
        self.serve(ctx, Call::Products, NO_ORDER).await?;
        Ok(Products { products: request.skus.into_iter().map(product).collect() })
    }

    async fn list(&self, _: &Context, _: ListProducts) -> PortResult<Page<Product>> {
        unreachable!("orders do not ask for it")
    }

    async fn search(&self, _: &Context, _: SearchProducts) -> PortResult<Page<Product>> {
        unreachable!("orders do not ask for it")
    }

    async fn product(&self, _: &Context, _: GetProduct) -> PortResult<Product> {
        unreachable!("orders do not ask for it")
    }

    async fn audit(&self, _: &Context, _: PageRequest) -> PortResult<Page<AuditedProduct>> {
        unreachable!("orders do not ask for it")
    }
}

fn reservation(order_id: OrderId, status: ReservationStatus) -> Reservation {
    Reservation { order_id, status, lines: Vec::new(), expires_at: WHEN }
}

#[async_trait]
impl Inventory for Others {
    async fn reserve(&self, ctx: &Context, request: ReserveStock) -> PortResult<Reservation> {
        self.serve(ctx, Call::Reserve, request.order_id).await?;
        Ok(reservation(request.order_id, ReservationStatus::Reserved))
    }

    async fn commit(&self, ctx: &Context, request: CommitStock) -> PortResult<Reservation> {
        self.serve(ctx, Call::Commit, request.order_id).await?;
        Ok(reservation(request.order_id, ReservationStatus::Committed))
    }

    async fn release(&self, ctx: &Context, request: ReleaseStock) -> PortResult<Reservation> {
        self.serve(ctx, Call::Release, request.order_id).await?;
        Ok(reservation(request.order_id, ReservationStatus::Released))
    }

    async fn stock(&self, _: &Context, _: GetStock) -> PortResult<StockLevel> {
        unreachable!("orders do not ask for it")
    }

    async fn reservation(&self, _: &Context, _: GetReservation) -> PortResult<Reservation> {
        unreachable!("orders do not ask for it")
    }

    async fn watch(
        &self,
        _: &Context,
        _: Streaming<WatchStock>,
    ) -> PortResult<Streaming<PortResult<StockLevel>>> {
        unreachable!("orders do not ask for it")
    }

    async fn audit(&self, _: &Context, _: PageRequest) -> PortResult<Page<InventoryRecord>> {
        unreachable!("orders do not ask for it")
    }
}

fn payment(order_id: OrderId, status: PaymentStatus) -> Payment {
    Payment { order_id, status, amount: None, updated_at: WHEN }
}

#[async_trait]
impl Payments for Others {
    async fn authorize(&self, ctx: &Context, request: AuthorizePayment) -> PortResult<Payment> {
        self.serve(ctx, Call::Authorize, request.order_id).await?;
        Ok(payment(request.order_id, PaymentStatus::Authorized))
    }

    async fn capture(&self, ctx: &Context, request: CapturePayment) -> PortResult<Payment> {
        self.serve(ctx, Call::Capture, request.order_id).await?;
        Ok(payment(request.order_id, PaymentStatus::Captured))
    }

    async fn void(&self, ctx: &Context, request: VoidPayment) -> PortResult<Payment> {
        self.serve(ctx, Call::Void, request.order_id).await?;
        Ok(payment(request.order_id, PaymentStatus::Voided))
    }

    async fn refund(&self, ctx: &Context, request: RefundPayment) -> PortResult<Payment> {
        self.serve(ctx, Call::Refund, request.order_id).await?;
        Ok(payment(request.order_id, PaymentStatus::Refunded))
    }

    async fn payment(&self, _: &Context, _: GetPayment) -> PortResult<Payment> {
        unreachable!("orders do not ask for it")
    }

    async fn ledger(&self, _: &Context, _: PageRequest) -> PortResult<Page<Posting>> {
        unreachable!("orders do not ask for it")
    }

    async fn audit(&self, _: &Context, _: PageRequest) -> PortResult<Page<AuditedPayment>> {
        unreachable!("orders do not ask for it")
    }
}

fn shipment(order_id: OrderId, status: ShipmentStatus) -> Shipment {
    let (carrier, tracking_number) = (String::new(), String::new());
    Shipment { order_id, status, carrier, tracking_number, updated_at: WHEN }
}

#[async_trait]
impl Shipping for Others {
    async fn quote(&self, ctx: &Context, _: QuoteShipping) -> PortResult<Quote> {
        self.serve(ctx, Call::Quote, NO_ORDER).await?;
        Ok(Quote { carrier: "snail".into(), price: Money::eur(SHIPPING), days: 3 })
    }

    async fn schedule(&self, ctx: &Context, request: ScheduleShipment) -> PortResult<Shipment> {
        self.serve(ctx, Call::Schedule, request.order_id).await?;
        Ok(shipment(request.order_id, ShipmentStatus::Scheduled))
    }

    async fn cancel(&self, ctx: &Context, request: CancelShipment) -> PortResult<Shipment> {
        let call = match request.recall {
            Recall::Never => Call::CancelShipment,
            Recall::IfShipped => Call::Recall,
        };
        self.serve(ctx, call, request.order_id).await?;
        Ok(shipment(request.order_id, ShipmentStatus::Cancelled))
    }

    async fn shipment(&self, _: &Context, _: GetShipment) -> PortResult<Shipment> {
        unreachable!("orders do not ask for it")
    }

    async fn track(&self, _: &Context, _: TrackShipment) -> PortResult<Streaming<PortResult<TrackingEvent>>> {
        unreachable!("orders do not ask for it")
    }

    async fn audit(&self, _: &Context, _: PageRequest) -> PortResult<Page<Shipment>> {
        unreachable!("orders do not ask for it")
    }
}
