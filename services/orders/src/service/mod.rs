//! The port of orders.
//!
//! - [`place`]: prices a request, stores the order, and sees to it that it is driven
//! - [`repeat`]: idempotency keys: a repetition is told what the first was told
//! - [`cancel`]: a customer who wants out
//! - [`wait`]: how long a caller waits, and for what
//! - [`follow`]: an order's steps as they happen

mod cancel;
mod follow;
mod place;
mod repeat;
mod wait;

use async_trait::async_trait;
use contracts::orders::{
    CancelOrder, Coordination, FollowOrder, GetOrder, GetTimeline, ListOrders, Order, Orders, PlaceOrder,
    Timeline, TimelineEntry,
};
use contracts::types::{Page, PageRequest};
use contracts::{Code, Context, OrderId, PortResult, Problem, Streaming};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::domain::Driver;
use crate::saga::Saga;
use crate::store::StoredOrder;

/// Gives new orders their ids: a source of randomness, handed in.
pub trait OrderIds: Send + Sync + 'static {
    /// An id that no order has.
    fn next(&self) -> OrderId;
}

/// UUIDv7 by clock and chance.
pub struct RandomIds;

impl OrderIds for RandomIds {
    fn next(&self) -> OrderId {
        OrderId(Uuid::now_v7())
    }
}

/// Orders, as others call them.
pub struct Service {
    saga: Saga,
    ids: Box<dyn OrderIds>,
    /// The orders being driven by calls: each in a task of its own, which outlives a client that hangs up.
    driving: TaskTracker,
    /// Fires when those who follow orders must look elsewhere.
    ending: CancellationToken,
}

impl Service {
    /// Orders driven by `saga`, in tasks that `driving` counts.
    pub fn new(saga: Saga, ids: impl OrderIds, driving: TaskTracker) -> Self {
        Self { saga, ids: Box::new(ids), driving, ending: CancellationToken::new() }
    }

    /// The same, whose streams end with `unavailable` when `ending` fires.
    pub fn ending_with(self, ending: CancellationToken) -> Self {
        Self { ending, ..self }
    }

    async fn stored(&self, id: OrderId) -> PortResult<StoredOrder> {
        Ok(self.saga.store.order(id).await?.ok_or_else(|| Problem::not_found(format!("order {id}")))?)
    }
}

#[async_trait]
impl Orders for Service {
    async fn place(&self, ctx: &Context, request: PlaceOrder) -> PortResult<Order> {
        self.place_order(ctx, request).await
    }

    async fn order(&self, _: &Context, request: GetOrder) -> PortResult<Order> {
        Ok(self.stored(request.order_id).await?.view())
    }

    async fn cancel(&self, ctx: &Context, request: CancelOrder) -> PortResult<Order> {
        self.cancel_order(ctx, request.order_id).await
    }

    async fn list(&self, _: &Context, request: ListOrders) -> PortResult<Page<Order>> {
        if !request.customer_id.is_valid() {
            return Err(Problem::invalid_field(
                "customer_id",
                "must be 1 to 64 letters, digits or any of . _ -",
            )
            .into());
        }
        let (before, limit) = request.page.resolve()?;
        let orders = self.saga.store.orders_of(&request.customer_id, &before, limit + 1).await?;
        Ok(page(orders, limit))
    }

    async fn timeline(&self, _: &Context, request: GetTimeline) -> PortResult<Timeline> {
        let entries = self.saga.store.timeline(request.order_id).await?;
        if entries.is_empty() {
            return Err(Problem::not_found(format!("order {}", request.order_id)).into());
        }
        Ok(Timeline { order_id: request.order_id, entries })
    }

    async fn follow(
        &self,
        _: &Context,
        request: FollowOrder,
    ) -> PortResult<Streaming<PortResult<TimelineEntry>>> {
        follow::steps(self.saga.store.clone(), &self.saga.bell, request, self.ending.clone()).await
    }

    async fn audit(&self, _: &Context, request: PageRequest) -> PortResult<Page<Order>> {
        let (after, limit) = request.resolve()?;
        Ok(page(self.saga.store.orders_after(&after, limit + 1).await?, limit))
    }
}

/// Refuses what this process cannot do for want of a broker: before anything is stored.
fn can_drive(saga: &Saga, coordination: Coordination) -> Result<(), Problem> {
    match Driver::of(coordination) {
        Driver::Messages if !saga.store.posts() => {
            let detail = format!(
                "an order in the coordination {} needs a message broker, and this process has none: start it with --broker, or choose sync",
                coordination.as_str()
            );
            Err(Problem::new(Code::CoordinationUnavailable, detail))
        }
        Driver::Messages | Driver::Calls => Ok(()),
    }
}

fn page(orders: Vec<StoredOrder>, limit: u32) -> Page<Order> {
    let orders = orders.iter().map(StoredOrder::view).collect();
    Page::from_overfull(orders, limit, |order: &Order| order.id.to_string())
}
