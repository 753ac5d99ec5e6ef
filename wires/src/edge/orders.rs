//! The orders port over the wire of the moment.

use async_trait::async_trait;
use contracts::orders::{
    CancelOrder, FollowOrder, GetOrder, GetTimeline, ListOrders, Order, Orders, PlaceOrder, Timeline,
    TimelineEntry,
};
use contracts::types::{Page, PageRequest};
use contracts::{Context, PortResult, Streaming};

use super::Edge;

#[async_trait]
impl Orders for Edge<dyn Orders> {
    async fn place(&self, ctx: &Context, request: PlaceOrder) -> PortResult<Order> {
        self.port().place(ctx, request).await
    }

    async fn order(&self, ctx: &Context, request: GetOrder) -> PortResult<Order> {
        self.port().order(ctx, request).await
    }

    async fn cancel(&self, ctx: &Context, request: CancelOrder) -> PortResult<Order> {
        self.port().cancel(ctx, request).await
    }

    async fn list(&self, ctx: &Context, request: ListOrders) -> PortResult<Page<Order>> {
        self.port().list(ctx, request).await
    }

    async fn timeline(&self, ctx: &Context, request: GetTimeline) -> PortResult<Timeline> {
        self.port().timeline(ctx, request).await
    }

    async fn follow(
        &self,
        ctx: &Context,
        request: FollowOrder,
    ) -> PortResult<Streaming<PortResult<TimelineEntry>>> {
        self.port().follow(ctx, request).await
    }

    async fn audit(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<Order>> {
        self.port().audit(ctx, request).await
    }
}
