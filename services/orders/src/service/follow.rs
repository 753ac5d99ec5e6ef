//! Follows an order from step to step: those past at once, those to come as they happen.
//!
//! A step made in this process wakes its listeners at once. One made by another is seen when they look by
//! themselves, from time to time.

use std::collections::VecDeque;
use std::sync::Arc;

use chassis::bell::{Bell, Ear};
use contracts::orders::{FollowOrder, TimelineEntry};
use contracts::{Code, OrderId, PortError, PortResult, Problem, Streaming};
use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

use super::wait::news;
use crate::store::OrderStore;

/// The steps that `request` asks for, until the order rests, or `ending` fires: then with `unavailable`.
/// `not_found` where there is no order.
pub(super) async fn steps(
    store: Arc<dyn OrderStore>,
    bell: &Bell<OrderId>,
    request: FollowOrder,
    ending: CancellationToken,
) -> PortResult<Streaming<PortResult<TimelineEntry>>> {
    let mut listener = Listener {
        // before the first look, so that no step falls between the two
        ear: bell.listen(request.order_id),
        store,
        order_id: request.order_id,
        seen: request.after.unwrap_or(0),
        entries: VecDeque::new(),
        ending,
        progress: Progress::Moving,
    };
    listener.look().await?;
    Ok(futures::stream::unfold(listener, Listener::next).boxed())
}

struct Listener {
    ear: Ear<OrderId>,
    store: Arc<dyn OrderStore>,
    order_id: OrderId,
    /// The version after the last step that was handed out.
    seen: u64,
    /// Steps that were read and not yet handed out; an order has a dozen or so.
    entries: VecDeque<TimelineEntry>,
    ending: CancellationToken,
    progress: Progress,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Moving,
    /// Nothing comes after the steps that were read.
    Ended,
}

impl Listener {
    async fn next(mut self) -> Option<(PortResult<TimelineEntry>, Self)> {
        loop {
            if let Some(entry) = self.entries.pop_front() {
                self.seen = entry.version;
                return Some((Ok(entry), self));
            }
            if self.progress == Progress::Ended {
                return None;
            }
            if let Err(error) = self.wait().await {
                self.progress = Progress::Ended;
                return Some((Err(error), self));
            }
        }
    }

    async fn wait(&mut self) -> PortResult<()> {
        tokio::select! {
            () = self.ending.cancelled() => {
                let detail = "this instance is stopping; ask another for the steps to come";
                Err(Problem::new(Code::Unavailable, detail).into())
            }
            () = news(&mut self.ear) => self.look().await,
        }
    }

    /// Reads what is new. The order first: a step that is made in between is then seen next time, and
    /// none is missed because the order rests after it.
    async fn look(&mut self) -> Result<(), PortError> {
        let Some(order) = self.store.order(self.order_id).await? else {
            return Err(Problem::not_found(format!("order {}", self.order_id)).into());
        };
        if order.state.rests() {
            self.progress = Progress::Ended;
        }
        if order.version > self.seen {
            let entries = self.store.timeline(self.order_id).await?;
            self.entries = entries.into_iter().filter(|entry| entry.version > self.seen).collect();
        }
        Ok(())
    }
}
