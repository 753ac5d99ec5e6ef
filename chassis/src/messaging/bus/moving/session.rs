//! The connection to the broker for the time of a move, and the right to be the only one who moves.

use std::time::Duration;

use contracts::messages::Queue;
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::MoveError;
use crate::messaging::broker::{Broker, Link, Parcel, PublishError, is_locked};

/// How long it may take to reach the broker, and again until nobody else moves.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long consumers at the broker may take to be gone.
const STOPPING: Duration = Duration::from_secs(3);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Queues that one connection can have at a time: one for each of ours. Each goes with its connection, after all
/// that was published there and after what was not acknowledged went back, so that whoever has both next finds
/// everything as the one before left it.
const LOCKS: [&str; 2] = ["tradewind.moving.published", "tradewind.moving.taken"];

/// A connection for a move.
pub(super) struct Session {
    broker: Broker,
    /// The connection that publishes.
    publishing: Link,
    /// The connection that takes messages.
    pub(super) consuming: Link,
    _end: DropGuard,
}

impl Session {
    /// Connects to the broker at `url`, declares all queues there, and waits until nobody else moves.
    pub(super) async fn begin(url: &str) -> Result<Self, MoveError> {
        let end = CancellationToken::new();
        let broker = Broker::connect(url, "tradewind (changing carriers)", end.clone());
        let broker = broker.map_err(|error| MoveError::Address(format!("{error:#}")))?;
        let links = async { Some((broker.next_publishing_link().await?, broker.next_link().await?)) };
        let Ok(Some((publishing, consuming))) = timeout(PATIENCE, links).await else {
            return Err(PublishError::Away(broker.check().err().unwrap_or_default()).into());
        };
        let session = Self { broker, publishing, consuming, _end: end.drop_guard() };
        session.lock().await?;
        Ok(session)
    }

    /// Publishes parcels in their order, and returns when the broker has all of them.
    pub(super) async fn publish(&self, parcels: &[Parcel]) -> Result<(), MoveError> {
        if self.publishing.is_lost() {
            // and with it a lock
            return Err(PublishError::Away(self.publishing.why_lost()).into());
        }
        Ok(self.broker.publish_parcels(parcels).await?)
    }

    async fn lock(&self) -> Result<(), MoveError> {
        let until = Instant::now() + PATIENCE;
        for (link, name) in [&self.publishing, &self.consuming].into_iter().zip(LOCKS) {
            while !try_lock(link, name).await? {
                if Instant::now() > until {
                    return Err(MoveError::Locked);
                }
                sleep(LOOK_AGAIN).await;
            }
        }
        Ok(())
    }

    /// Waits until nobody consumes any of the queues: a broker may notice a moment later that somebody stopped.
    pub(super) async fn unconsumed(&self, queues: &[&'static Queue]) -> Result<(), MoveError> {
        let until = Instant::now() + STOPPING;
        // a consumer that begins anew is away for a moment
        let mut away: u32 = 0;
        while away < 2 {
            match self.first_consumed(queues).await? {
                None => away += 1,
                Some(queue) if Instant::now() > until => return Err(MoveError::Consumed(queue.name)),
                Some(_) => away = 0,
            }
            sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }

    async fn first_consumed(
        &self,
        queues: &[&'static Queue],
    ) -> Result<Option<&'static Queue>, PublishError> {
        let channel = self.consuming.channel().await?;
        let mut consumed = None;
        for queue in queues {
            let options = QueueDeclareOptions::durable().passive();
            let found = channel.queue_declare(queue.name.into(), options, FieldTable::default());
            if self.consuming.answered("look at a queue", found).await?.consumer_count() > 0 {
                consumed = Some(*queue);
                break;
            }
        }
        self.consuming.answered("close a channel", channel.close(200, "seen".into())).await?;
        Ok(consumed)
    }
}

async fn try_lock(link: &Link, name: &str) -> Result<bool, PublishError> {
    let channel = link.channel().await?;
    let options = QueueDeclareOptions { exclusive: true, ..Default::default() };
    let declared = async {
        match channel.queue_declare(name.into(), options, FieldTable::default()).await {
            Ok(_) => Ok(true),
            // the refusal cost the channel
            Err(error) if is_locked(&error) => Ok(false),
            Err(error) => Err(error),
        }
    };
    link.answered("let us move messages", declared).await
}
