//! Takes messages from the outbox to the broker, oldest first, until they are confirmed.

use std::sync::Arc;
use std::time::Duration;

use contracts::messages::Outgoing;

use super::broker::Unconfirmed;
use super::{Broker, Mailbox};
use crate::sim::Bug;
use crate::sim::world::Station;

/// How many messages it publishes before it waits for confirms.
const BATCH: usize = 8;
/// How long it rests after a failure.
const PAUSE: Duration = Duration::from_millis(200);

/// Publishes what `mailbox` holds, batch after batch. What was not confirmed, or not marked in time, is
/// published again.
pub async fn relay(station: Station, mailbox: Arc<Mailbox>, broker: Arc<Broker>) {
    loop {
        let (places, batch): (Vec<usize>, Vec<Arc<Outgoing>>) = mailbox.waiting(BATCH).into_iter().unzip();
        if batch.is_empty() {
            mailbox.posted().await;
            continue;
        }
        if station.world.has(Bug::RelayMarksBeforeConfirm) {
            mailbox.mark(places.iter().copied());
        }
        station.point("publish").await;
        match broker.publish(&batch).await {
            Ok(()) => {
                station.point("confirm").await;
                mailbox.mark(places);
            }
            Err(Unconfirmed) => tokio::time::sleep(PAUSE).await,
        }
        station.point("relay").await;
    }
}
