//! The inventory port over the wire of the moment.

use async_trait::async_trait;
use contracts::inventory::{
    CommitStock, GetReservation, GetStock, Inventory, InventoryRecord, ReleaseStock, Reservation,
    ReserveStock, StockLevel, WatchStock,
};
use contracts::types::{Page, PageRequest};
use contracts::{Context, PortResult, Streaming};

use super::Edge;

#[async_trait]
impl Inventory for Edge<dyn Inventory> {
    async fn stock(&self, ctx: &Context, request: GetStock) -> PortResult<StockLevel> {
        self.port().stock(ctx, request).await
    }

    async fn reserve(&self, ctx: &Context, request: ReserveStock) -> PortResult<Reservation> {
        self.port().reserve(ctx, request).await
    }

    async fn commit(&self, ctx: &Context, request: CommitStock) -> PortResult<Reservation> {
        self.port().commit(ctx, request).await
    }

    async fn release(&self, ctx: &Context, request: ReleaseStock) -> PortResult<Reservation> {
        self.port().release(ctx, request).await
    }

    async fn reservation(&self, ctx: &Context, request: GetReservation) -> PortResult<Reservation> {
        self.port().reservation(ctx, request).await
    }

    async fn watch(
        &self,
        ctx: &Context,
        changes: Streaming<WatchStock>,
    ) -> PortResult<Streaming<PortResult<StockLevel>>> {
        self.port().watch(ctx, changes).await
    }

    async fn audit(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<InventoryRecord>> {
        self.port().audit(ctx, request).await
    }
}
