//! Follows a customer's notifications: those past at once, those to come as they are written.

use std::sync::Arc;

use async_trait::async_trait;
use chassis::bell::Bell;
use chassis::config::Live;
use chassis::follow::{Look, Reasons, Source, Then, follow};
use contracts::messages::MessageId;
use contracts::notifications::Notification;
use contracts::types::CustomerId;
use contracts::{PortResult, Streaming};
use tokio_util::sync::CancellationToken;

use crate::config::StreamConfig;
use crate::store::NotificationsStore;

/// How many notifications a listener holds.
const PAGE: u32 = 100;

/// Hands out streams of notifications.
#[derive(Clone)]
pub struct Feed {
    store: Arc<dyn NotificationsStore>,
    config: Live<StreamConfig>,
    bell: Bell<CustomerId>,
    ending: CancellationToken,
}

impl Feed {
    /// A feed whose streams end, with `unavailable`, when `ending` fires.
    pub fn new(
        store: Arc<dyn NotificationsStore>,
        config: Live<StreamConfig>,
        bell: Bell<CustomerId>,
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
        let config = self.config.clone();
        let reasons = Reasons {
            ear: self.bell.listen(customer_id.clone()),
            poll: Box::new(move || config.get().poll()),
            ending: self.ending.clone(),
            what: "notifications",
        };
        follow(Mails { store: self.store.clone(), customer_id, seen: after }, reasons).await
    }
}

/// The notifications of one customer, page by page.
struct Mails {
    store: Arc<dyn NotificationsStore>,
    customer_id: CustomerId,
    /// The last one that was read.
    seen: Option<MessageId>,
}

#[async_trait]
impl Source for Mails {
    type Item = Notification;

    async fn look(&mut self) -> PortResult<Look<Notification>> {
        let items = self.store.notifications_since(&self.customer_id, self.seen, PAGE).await?;
        self.seen = items.last().map_or(self.seen, |last| Some(last.id));
        let then = if items.len() < PAGE as usize { Then::Wait } else { Then::Look };
        Ok(Look { items, then })
    }
}
