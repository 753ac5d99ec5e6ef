//! The inventory port in the same process.

use async_trait::async_trait;
use contracts::inventory::{
    AUDIT, COMMIT, CommitStock, GetReservation, GetStock, Inventory, InventoryRecord, RELEASE, RESERVATION,
    RESERVE, ReleaseStock, Reservation, ReserveStock, STOCK, StockLevel, WATCH, WatchStock,
};
use contracts::types::{Page, PageRequest};
use contracts::{Context, PortResult, Streaming};

use super::Local;

#[async_trait]
impl Inventory for Local<dyn Inventory> {
    async fn stock(&self, ctx: &Context, request: GetStock) -> PortResult<StockLevel> {
        self.call(&STOCK, ctx, |port, ctx| async move { port.stock(&ctx, request).await }).await
    }

    async fn reserve(&self, ctx: &Context, request: ReserveStock) -> PortResult<Reservation> {
        self.call(&RESERVE, ctx, |port, ctx| async move { port.reserve(&ctx, request).await }).await
    }

    async fn commit(&self, ctx: &Context, request: CommitStock) -> PortResult<Reservation> {
        self.call(&COMMIT, ctx, |port, ctx| async move { port.commit(&ctx, request).await }).await
    }

    async fn release(&self, ctx: &Context, request: ReleaseStock) -> PortResult<Reservation> {
        self.call(&RELEASE, ctx, |port, ctx| async move { port.release(&ctx, request).await }).await
    }

    async fn reservation(&self, ctx: &Context, request: GetReservation) -> PortResult<Reservation> {
        self.call(&RESERVATION, ctx, |port, ctx| async move { port.reservation(&ctx, request).await }).await
    }

    async fn watch(
        &self,
        ctx: &Context,
        changes: Streaming<WatchStock>,
    ) -> PortResult<Streaming<PortResult<StockLevel>>> {
        self.stream(&WATCH, ctx, |port, ctx| async move { port.watch(&ctx, changes).await }).await
    }

    async fn audit(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<InventoryRecord>> {
        self.call(&AUDIT, ctx, |port, ctx| async move { port.audit(&ctx, request).await }).await
    }
}
