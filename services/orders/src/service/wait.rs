//! How long a caller waits, and for what.

use std::time::Duration;

use chassis::bell::Ear;
use contracts::error::chain;
use contracts::orders::Coordination;
use contracts::{Context, OrderId, PortResult};
use tokio::time::{Instant, timeout, timeout_at};

use super::Service;
use crate::answer;
use crate::store::StoredOrder;

/// How often whoever waits looks without having heard anything: for steps that another process made.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How long before its deadline a caller is told how things stand, so that the answer still arrives.
const MARGIN: Duration = Duration::from_millis(50);

/// How long whoever places an order waits for its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// Until the order ends. Where the deadline comes first, the outcome is open.
    ToTheEnd,
    /// That long; then the order is told as it stands.
    AtMost(Duration),
}

impl Patience {
    /// What a caller says, or what is usual in this coordination.
    pub(super) fn of(wait_ms: Option<u32>, coordination: Coordination) -> Self {
        match (wait_ms, coordination) {
            (Some(millis), _) => Self::AtMost(Duration::from_millis(millis.into())),
            (None, Coordination::Sync) => Self::ToTheEnd,
            (None, Coordination::Orchestrated | Coordination::Choreographed) => Self::AtMost(Duration::ZERO),
        }
    }
}

/// When the caller of `ctx` must be told, with this patience.
pub(super) fn last_moment(ctx: &Context, patience: Patience) -> Instant {
    let left = ctx.deadline.left().saturating_sub(MARGIN);
    Instant::now()
        + match patience {
            Patience::ToTheEnd => left,
            Patience::AtMost(longest) => longest.min(left),
        }
}

/// Waits for a reason to look at the order that `ear` listens for: a step made here, or that it is time to.
pub(super) async fn news(ear: &mut Ear<OrderId>) {
    timeout(LOOK_AGAIN, ear.rung()).await.ok();
}

impl Service {
    /// The order as it stands when it is `enough`, or at the last moment. Any process may be the one that
    /// moves it: what is heard is only a reason to look.
    pub(super) async fn wait(
        &self,
        ctx: &Context,
        mut order: StoredOrder,
        patience: Patience,
        enough: fn(&StoredOrder) -> bool,
    ) -> PortResult<StoredOrder> {
        let until = last_moment(ctx, patience);
        let waits = |order: &StoredOrder| !enough(order) && Instant::now() < until;
        // before the first look, so that no step falls between the two
        let mut ear = self.saga.bell.listen(order.id);
        if waits(&order) {
            order = self.look(order).await?;
        }
        while waits(&order) {
            timeout_at(until, news(&mut ear)).await.ok();
            order = self.look(order).await?;
        }
        Ok(order)
    }

    async fn look(&self, order: StoredOrder) -> PortResult<StoredOrder> {
        let stands = self.saga.store.order(order.id).await.map_err(|error| {
            let (id, cause) = (order.id, chain(&error));
            tracing::warn!(order_id = %id, error = cause, "order {id} could not be looked at: {cause}");
            // it is stored, and goes on: "try again" would make a second one
            answer::open(&order)
        })?;
        Ok(stands.unwrap_or(order))
    }
}
