//! Follows an order from step to step: those past at once, those to come as they happen.

use std::sync::Arc;

use async_trait::async_trait;
use chassis::bell::Bell;
use chassis::follow::{Look, Reasons, Source, Then, follow};
use contracts::orders::{FollowOrder, TimelineEntry};
use contracts::{OrderId, PortResult, Problem, Streaming};
use tokio_util::sync::CancellationToken;

use super::wait::LOOK_AGAIN;
use crate::store::OrderStore;

/// The steps that `request` asks for, until the order rests, or `ending` fires: then with `unavailable`.
/// `not_found` where there is no order.
pub(super) async fn steps(
    store: Arc<dyn OrderStore>,
    bell: &Bell<OrderId>,
    request: FollowOrder,
    ending: CancellationToken,
) -> PortResult<Streaming<PortResult<TimelineEntry>>> {
    let FollowOrder { order_id, after } = request;
    let reasons =
        Reasons { ear: bell.listen(order_id), poll: Box::new(|| LOOK_AGAIN), ending, what: "steps" };
    follow(Steps { store, order_id, seen: after.unwrap_or(0) }, reasons).await
}

/// The steps of one order; it has a dozen or so.
struct Steps {
    store: Arc<dyn OrderStore>,
    order_id: OrderId,
    /// The version after the last step that was read.
    seen: u64,
}

#[async_trait]
impl Source for Steps {
    type Item = TimelineEntry;

    /// The order first: a step that is made in between is then seen next time, and none is missed because
    /// the order rests after it.
    async fn look(&mut self) -> PortResult<Look<TimelineEntry>> {
        let Some(order) = self.store.order(self.order_id).await? else {
            return Err(Problem::not_found(format!("order {}", self.order_id)).into());
        };
        let mut items = Vec::new();
        if order.version > self.seen {
            items = self.store.timeline(self.order_id).await?;
            items.retain(|entry| entry.version > self.seen);
        }
        self.seen = items.last().map_or(self.seen, |entry| entry.version);
        Ok(Look { items, then: if order.state.rests() { Then::End } else { Then::Wait } })
    }
}
