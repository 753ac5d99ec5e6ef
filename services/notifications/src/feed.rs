//! Follows a customer's notifications: those past at once, those to come as they are written.
//!
//! The database is their only source. A mail that is written in this process wakes its listeners; those
//! of other replicas are found by looking from time to time.

use std::collections::VecDeque;
use std::sync::Arc;

use chassis::config::Live;
use contracts::messages::MessageId;
use contracts::notifications::Notification;
use contracts::types::CustomerId;
use contracts::{Code, PortResult, Problem, Streaming};
use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

use crate::bell::{Bell, Ear};
use crate::config::StreamConfig;
use crate::store::NotificationsStore;

/// How many notifications a listener holds.
const PAGE: u32 = 100;

/// Hands out streams of notifications.
#[derive(Clone)]
pub struct Feed {
    store: Arc<dyn NotificationsStore>,
    config: Live<StreamConfig>,
    bell: Bell,
    ending: CancellationToken,
}

impl Feed {
    /// A feed whose streams end, with `unavailable`, when `ending` fires.
    pub fn new(
        store: Arc<dyn NotificationsStore>,
        config: Live<StreamConfig>,
        bell: Bell,
        ending: CancellationToken,
    ) -> Self {
        Self { store, config, bell, ending }
    }

    /// A customer's notifications, those after `after` where that names one of them.
    pub async fn follow(
        &self,
        customer_id: CustomerId,
        after: Option<MessageId>,
    ) -> PortResult<Streaming<PortResult<Notification>>> {
        let mut listener = Listener {
            // before the first look, so that no mail falls between the two
            ear: self.bell.listen(),
            feed: self.clone(),
            customer_id,
            seen: after,
            read: VecDeque::new(),
            progress: Progress::Looking,
        };
        listener.look().await?;
        Ok(futures::stream::unfold(listener, Listener::next).boxed())
    }
}

struct Listener {
    feed: Feed,
    ear: Ear,
    customer_id: CustomerId,
    /// The last one that was handed out.
    seen: Option<MessageId>,
    /// Those read and not yet handed out: a page at the most.
    read: VecDeque<Notification>,
    progress: Progress,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// There may be more in the database.
    Looking,
    /// All there is was read; the next one has to be waited for.
    Waiting,
    /// The stream has failed.
    Ended,
}

impl Listener {
    async fn next(mut self) -> Option<(PortResult<Notification>, Self)> {
        loop {
            if let Some(notification) = self.read.pop_front() {
                self.seen = Some(notification.id);
                return Some((Ok(notification), self));
            }
            let looked = match self.progress {
                Progress::Looking => self.look().await,
                Progress::Waiting => self.wait().await,
                Progress::Ended => return None,
            };
            if let Err(error) = looked {
                self.progress = Progress::Ended;
                return Some((Err(error), self));
            }
        }
    }

    /// Waits for a reason to look, and looks.
    async fn wait(&mut self) -> PortResult<()> {
        let poll = self.feed.config.get().poll();
        tokio::select! {
            () = self.feed.ending.cancelled() => {
                let detail = "this instance is stopping; ask another for the notifications to come";
                return Err(Problem::new(Code::Unavailable, detail).into());
            }
            () = self.ear.of(&self.customer_id) => {}
            () = tokio::time::sleep(poll) => {}
        }
        self.look().await
    }

    async fn look(&mut self) -> PortResult<()> {
        let page = self.feed.store.notifications_since(&self.customer_id, self.seen, PAGE).await?;
        self.progress = if page.len() < PAGE as usize { Progress::Waiting } else { Progress::Looking };
        self.read = page.into();
        Ok(())
    }
}
