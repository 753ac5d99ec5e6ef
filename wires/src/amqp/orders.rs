//! The orders port over AMQP.

use async_trait::async_trait;
use contracts::orders::{
    AUDIT, CANCEL, CancelOrder, FOLLOW, FollowOrder, GetOrder, GetTimeline, LIST, ListOrders, ORDER, Order,
    Orders, PLACE, PlaceOrder, TIMELINE, Timeline, TimelineEntry,
};
use contracts::types::{Page, PageRequest};
use contracts::{Context, PortResult, Streaming};

use super::AmqpClient;

#[async_trait]
impl Orders for AmqpClient {
    async fn place(&self, ctx: &Context, request: PlaceOrder) -> PortResult<Order> {
        self.call(&PLACE, ctx, &request).await
    }

    async fn order(&self, ctx: &Context, request: GetOrder) -> PortResult<Order> {
        self.call(&ORDER, ctx, &request).await
    }

    async fn cancel(&self, ctx: &Context, request: CancelOrder) -> PortResult<Order> {
        self.call(&CANCEL, ctx, &request).await
    }

    async fn list(&self, ctx: &Context, request: ListOrders) -> PortResult<Page<Order>> {
        self.call(&LIST, ctx, &request).await
    }

    async fn timeline(&self, ctx: &Context, request: GetTimeline) -> PortResult<Timeline> {
        self.call(&TIMELINE, ctx, &request).await
    }

    async fn follow(
        &self,
        ctx: &Context,
        request: FollowOrder,
    ) -> PortResult<Streaming<PortResult<TimelineEntry>>> {
        self.call_for_many(&FOLLOW, ctx, &request).await
    }

    async fn audit(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<Order>> {
        self.call(&AUDIT, ctx, &request).await
    }
}
