//! The inventory port over AMQP.

use async_trait::async_trait;
use contracts::inventory::{
    AUDIT, COMMIT, CommitStock, GetReservation, GetStock, Inventory, InventoryRecord, RELEASE, RESERVATION,
    RESERVE, ReleaseStock, Reservation, ReserveStock, STOCK, StockLevel, WATCH, WatchStock,
};
use contracts::types::{Page, PageRequest};
use contracts::{Context, PortResult, Streaming};

use super::AmqpClient;

#[async_trait]
impl Inventory for AmqpClient {
    async fn stock(&self, ctx: &Context, request: GetStock) -> PortResult<StockLevel> {
        self.call(&STOCK, ctx, &request).await
    }

    async fn reserve(&self, ctx: &Context, request: ReserveStock) -> PortResult<Reservation> {
        self.call(&RESERVE, ctx, &request).await
    }

    async fn commit(&self, ctx: &Context, request: CommitStock) -> PortResult<Reservation> {
        self.call(&COMMIT, ctx, &request).await
    }

    async fn release(&self, ctx: &Context, request: ReleaseStock) -> PortResult<Reservation> {
        self.call(&RELEASE, ctx, &request).await
    }

    async fn reservation(&self, ctx: &Context, request: GetReservation) -> PortResult<Reservation> {
        self.call(&RESERVATION, ctx, &request).await
    }

    async fn watch(
        &self,
        ctx: &Context,
        changes: Streaming<WatchStock>,
    ) -> PortResult<Streaming<PortResult<StockLevel>>> {
        self.exchange(&WATCH, ctx, changes).await
    }

    async fn audit(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<InventoryRecord>> {
        self.call(&AUDIT, ctx, &request).await
    }
}
