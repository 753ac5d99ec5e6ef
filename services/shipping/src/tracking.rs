//! Follows a shipment from station to station: those past at once, those to come as they happen.
//!
//! A move made in this process wakes its listeners at once. A move made by another replica is seen when
//! the listener looks into the database by itself. The database is the only source of stations either
//! way: a wake-up that is lost costs time and nothing else.

use std::collections::VecDeque;
use std::sync::Arc;

use chassis::config::Live;
use contracts::shipping::TrackingEvent;
use contracts::{Code, OrderId, PortError, PortResult, Problem, Streaming};
use futures::StreamExt as _;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::config::TrackingConfig;
use crate::domain::parcel::is_final;
use crate::store::ShippingStore;

/// How many moves a listener may be behind; one that is further behind looks into the database.
const BACKLOG: usize = 64;

/// Hands out streams of stations.
#[derive(Clone)]
pub struct Tracker {
    store: Arc<dyn ShippingStore>,
    config: Live<TrackingConfig>,
    ending: CancellationToken,
    moves: broadcast::Sender<OrderId>,
}

impl Tracker {
    /// A tracker whose streams end, with `unavailable`, when `ending` fires.
    pub fn new(
        store: Arc<dyn ShippingStore>,
        config: Live<TrackingConfig>,
        ending: CancellationToken,
    ) -> Self {
        Self { store, config, ending, moves: broadcast::Sender::new(BACKLOG) }
    }

    /// Says that the shipment of an order may have moved.
    pub fn moved(&self, order_id: OrderId) {
        // an error only means that nobody listens
        let _ = self.moves.send(order_id);
    }

    /// Every station of a shipment, up to its last; `not_found` where there is no shipment.
    pub async fn follow(&self, order_id: OrderId) -> PortResult<Streaming<PortResult<TrackingEvent>>> {
        let mut listener = Listener {
            // before the first look, so that no move falls between the two
            moves: self.moves.subscribe(),
            tracker: self.clone(),
            order_id,
            seen: 0,
            stations: VecDeque::new(),
            progress: Progress::Moving,
        };
        listener.look().await?;
        if listener.stations.is_empty() {
            return Err(Problem::not_found(format!("shipment of order {order_id}")).into());
        }
        Ok(futures::stream::unfold(listener, Listener::next).boxed())
    }
}

struct Listener {
    tracker: Tracker,
    moves: broadcast::Receiver<OrderId>,
    order_id: OrderId,
    /// The number of the last station that was handed out.
    seen: u32,
    /// Those read and not yet handed out; a shipment has a handful at the most.
    stations: VecDeque<TrackingEvent>,
    progress: Progress,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Moving,
    /// Nothing comes after the stations that were read.
    Ended,
}

impl Listener {
    async fn next(mut self) -> Option<(PortResult<TrackingEvent>, Self)> {
        loop {
            if let Some(station) = self.stations.pop_front() {
                self.seen = station.sequence;
                return Some((Ok(station), self));
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

    /// Waits for a reason to look, and looks.
    async fn wait(&mut self) -> PortResult<()> {
        let ending = self.tracker.ending.clone();
        let poll = self.tracker.config.get().poll();
        tokio::select! {
            () = ending.cancelled() => {
                let detail = "this instance is stopping; ask another for the stations to come";
                return Err(Problem::new(Code::Unavailable, detail).into());
            }
            () = self.own_move() => {}
            () = tokio::time::sleep(poll) => {}
        }
        self.look().await
    }

    async fn own_move(&mut self) {
        loop {
            match self.moves.recv().await {
                Ok(order_id) if order_id == self.order_id => return,
                Ok(_) => {}
                // ours may be among those that were missed
                Err(broadcast::error::RecvError::Lagged(_)) => return,
                // cannot be while `tracker` holds a sender; looking from time to time goes on
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    async fn look(&mut self) -> Result<(), PortError> {
        let history = self.tracker.store.shipment_history(self.order_id).await?;
        if history.last().is_some_and(|last| is_final(last.status)) {
            self.progress = Progress::Ended;
        }
        self.stations = history.into_iter().filter(|station| station.sequence > self.seen).collect();
        Ok(())
    }
}
