//! How long a caller waits, and for what.

use std::time::Duration;

use contracts::error::chain;
use contracts::orders::Coordination;
use contracts::{Context, PortResult};
use tokio::time::Instant;

use super::Service;
use crate::answer;
use crate::store::StoredOrder;

/// The pause between two looks at an order, at first.
const SHORT_PAUSE: Duration = Duration::from_millis(20);
/// And later.
const LONG_PAUSE: Duration = Duration::from_millis(50);
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

impl Service {
    /// The order as it stands when it is `enough`, or at the last moment. Any process may be the one that
    /// moves it: the store is looked at.
    pub(super) async fn wait(
        &self,
        ctx: &Context,
        mut order: StoredOrder,
        patience: Patience,
        enough: fn(&StoredOrder) -> bool,
    ) -> PortResult<StoredOrder> {
        let until = last_moment(ctx, patience);
        let mut pause = SHORT_PAUSE;
        while !enough(&order) && Instant::now() < until {
            tokio::time::sleep_until(until.min(Instant::now() + pause)).await;
            pause = (pause * 5 / 4).min(LONG_PAUSE);
            let stands = self.saga.store.order(order.id).await.map_err(|error| {
                let (id, cause) = (order.id, chain(&error));
                tracing::warn!(order_id = %id, error = cause, "order {id} could not be looked at: {cause}");
                // it is stored, and goes on: "try again" would make a second one
                answer::open(&order)
            })?;
            order = stands.unwrap_or(order);
        }
        Ok(order)
    }
}
