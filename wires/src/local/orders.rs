//! The orders port in the same process.

use async_trait::async_trait;
use contracts::orders::{
    AUDIT, CANCEL, CancelOrder, FOLLOW, FollowOrder, GetOrder, GetTimeline, LIST, ListOrders, ORDER, Order,
    Orders, PLACE, PlaceOrder, TIMELINE, Timeline, TimelineEntry,
};
use contracts::types::{Page, PageRequest};
use contracts::{Context, PortResult, Streaming};

use super::Local;

#[async_trait]
impl Orders for Local<dyn Orders> {
    async fn place(&self, ctx: &Context, request: PlaceOrder) -> PortResult<Order> {
        self.call(&PLACE, ctx, |port, ctx| async move { port.place(&ctx, request).await }).await
    }

    async fn order(&self, ctx: &Context, request: GetOrder) -> PortResult<Order> {
        self.call(&ORDER, ctx, |port, ctx| async move { port.order(&ctx, request).await }).await
    }

    async fn cancel(&self, ctx: &Context, request: CancelOrder) -> PortResult<Order> {
        self.call(&CANCEL, ctx, |port, ctx| async move { port.cancel(&ctx, request).await }).await
    }

    async fn list(&self, ctx: &Context, request: ListOrders) -> PortResult<Page<Order>> {
        self.call(&LIST, ctx, |port, ctx| async move { port.list(&ctx, request).await }).await
    }

    async fn timeline(&self, ctx: &Context, request: GetTimeline) -> PortResult<Timeline> {
        self.call(&TIMELINE, ctx, |port, ctx| async move { port.timeline(&ctx, request).await }).await
    }

    async fn follow(
        &self,
        ctx: &Context,
        request: FollowOrder,
    ) -> PortResult<Streaming<PortResult<TimelineEntry>>> {
        self.stream(&FOLLOW, ctx, |port, ctx| async move { port.follow(&ctx, request).await }).await
    }

    async fn audit(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<Order>> {
        self.call(&AUDIT, ctx, |port, ctx| async move { port.audit(&ctx, request).await }).await
    }
}
