//! Takes messages out of a queue, a bounded number at a time, as the consumers of the real processes do.

use std::sync::Arc;
use std::time::Duration;

use chassis::messaging::{Delivery, Handled, Handler};
use contracts::messages::Queue;
use contracts::messages::queues::{COMMANDS, DELIVERY_LIMIT, ORDERS_REPLIES};
use tokio::task::JoinSet;

use super::Broker;
use super::broker::Held;
use crate::sim::Bug;
use crate::sim::world::Station;

/// How many messages it has in hand at a time.
const PREFETCH: usize = 4;
/// The pause after the first failed attempt; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Hands the messages of `queue` to `handler`, for as long as the process lives.
pub async fn consume(
    station: Station,
    broker: Arc<Broker>,
    queue: &'static Queue,
    handler: Arc<dyn Handler>,
) {
    let mut running = JoinSet::new();
    loop {
        while running.len() >= PREFETCH {
            running.join_next().await;
        }
        let held = broker.next(queue.name, station.life).await;
        while running.try_join_next().is_some() {}
        running.spawn(deal_with(station.clone(), broker.clone(), queue, handler.clone(), held));
    }
}

async fn deal_with(
    station: Station,
    broker: Arc<Broker>,
    queue: &'static Queue,
    handler: Arc<dyn Handler>,
    held: Held,
) {
    let Held { tag, what, attempt } = held;
    let attempt = if is_last(&station, queue) { DELIVERY_LIMIT } else { attempt };
    let delivery = Delivery { message: what.message.clone(), queue: queue.name, attempt };
    if station.world.has(Bug::AckBeforeCommit) {
        broker.acknowledge(tag);
    }
    station.point(queue.name).await;
    let handled = handler.handle(&delivery).await;
    if handled != Handled::Done {
        station.world.note(|| format!("{} answers {} with {handled:?}", queue.name, delivery.message.kind));
    }
    match handled {
        Handled::Done => {
            station.point("acknowledge").await;
            broker.acknowledge(tag);
        }
        Handled::Again(cause) if delivery.is_last() => broker.put_aside(tag, cause),
        Handled::Again(_) => {
            let pause = FIRST_PAUSE * 2u32.saturating_pow(attempt - 1);
            tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
            station.point("give back").await;
            broker.give_back(tag);
        }
        Handled::Hopeless(cause) => broker.put_aside(tag, cause),
    }
}

/// Some commands are at their last attempt: those before it failed in other processes.
fn is_last(station: &Station, queue: &Queue) -> bool {
    queue.exchange == COMMANDS && queue.name != ORDERS_REPLIES.name && station.world.misfortune(250)
}
