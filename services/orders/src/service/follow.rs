//! Follows an order from step to step: those past at once, those to come as they happen.
//!
//! The event log is looked at from time to time, since any process may have made the next step.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use contracts::orders::{FollowOrder, TimelineEntry};
use contracts::{Code, OrderId, PortError, PortResult, Problem, Streaming};
use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

use crate::store::OrderStore;

/// How often a listener looks for steps to come.
const POLL: Duration = Duration::from_millis(75);

/// The steps that `request` asks for, until the order rests, or `ending` fires: then with `unavailable`.
/// `not_found` where there is no order.
pub(super) async fn steps(
    store: Arc<dyn OrderStore>,
    request: FollowOrder,
    ending: CancellationToken,
) -> PortResult<Streaming<PortResult<TimelineEntry>>> {
    let mut listener = Listener {
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
            () = tokio::time::sleep(POLL) => self.look().await,
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
