//! Follows a shipment from station to station: those past at once, those to come as they happen.

use std::sync::Arc;

use async_trait::async_trait;
use chassis::bell::Bell;
use chassis::config::Live;
use chassis::follow::{Look, Reasons, Source, Then, follow};
use contracts::shipping::TrackingEvent;
use contracts::{OrderId, PortResult, Problem, Streaming};
use tokio_util::sync::CancellationToken;

use crate::config::TrackingConfig;
use crate::domain::parcel::is_final;
use crate::store::ShippingStore;

/// Hands out streams of stations.
#[derive(Clone)]
pub struct Tracker {
    store: Arc<dyn ShippingStore>,
    config: Live<TrackingConfig>,
    ending: CancellationToken,
    moves: Bell<OrderId>,
}

impl Tracker {
    /// A tracker whose streams end, with `unavailable`, when `ending` fires.
    pub fn new(
        store: Arc<dyn ShippingStore>,
        config: Live<TrackingConfig>,
        ending: CancellationToken,
    ) -> Self {
        Self { store, config, ending, moves: Bell::default() }
    }

    /// Says that the shipment of an order may have moved.
    pub fn moved(&self, order_id: OrderId) {
        self.moves.ring(&order_id);
    }

    /// Every station of a shipment, up to its last; `not_found` where there is no shipment.
    pub async fn follow(&self, order_id: OrderId) -> PortResult<Streaming<PortResult<TrackingEvent>>> {
        let config = self.config.clone();
        let reasons = Reasons {
            ear: self.moves.listen(order_id),
            poll: Box::new(move || config.get().poll()),
            ending: self.ending.clone(),
            what: "stations",
        };
        follow(Stations { store: self.store.clone(), order_id, seen: 0 }, reasons).await
    }
}

/// The stations of one shipment; it has a handful at the most.
struct Stations {
    store: Arc<dyn ShippingStore>,
    order_id: OrderId,
    /// The number of the last one that was read.
    seen: u32,
}

#[async_trait]
impl Source for Stations {
    type Item = TrackingEvent;

    async fn look(&mut self) -> PortResult<Look<TrackingEvent>> {
        let history = self.store.shipment_history(self.order_id).await?;
        let Some(last) = history.last() else {
            return Err(Problem::not_found(format!("shipment of order {}", self.order_id)).into());
        };
        let then = if is_final(last.status) { Then::End } else { Then::Wait };
        let seen = std::mem::replace(&mut self.seen, last.sequence);
        let items = history.into_iter().filter(|station| station.sequence > seen).collect();
        Ok(Look { items, then })
    }
}
