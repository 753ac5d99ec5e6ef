//! What notifications do about the messages of their queue: an event becomes a mail, or tells whose an
//! order is. The mail and the row of the inbox are one transaction.

use std::sync::Arc;

use async_trait::async_trait;
use chassis::bell::Bell;
use chassis::clock::Clock;
use chassis::config::Live;
use chassis::messaging::{Delivery, Handled, Handler, Mailbox, ignored};
use contracts::error::chain;
use contracts::types::CustomerId;
use tokio::sync::Notify;

use crate::config::MailConfig;
use crate::domain::news;
use crate::store::{NotificationsStore, Taken};

/// Takes news.
pub struct NewsHandler {
    /// Where mails are kept.
    pub store: Arc<dyn NotificationsStore>,
    /// When they are written.
    pub clock: Arc<dyn Clock>,
    /// Where they go.
    pub config: Live<MailConfig>,
    /// Where is noted what asks nothing.
    pub mailbox: Mailbox,
    /// Rings for a customer who got one.
    pub bell: Bell<CustomerId>,
    /// Wakes the courier.
    pub mail: Arc<Notify>,
}

#[async_trait]
impl Handler for NewsHandler {
    async fn handle(&self, delivery: &Delivery) -> Handled {
        let news = match news::read(&delivery.message) {
            Ok(Some(news)) => news,
            Ok(None) => return ignored(&self.mailbox, delivery).await,
            Err(error) => return Handled::Hopeless(chain(&error)),
        };
        let domain = &self.config.get().domain;
        match self.store.news_take(delivery.queue, &news, domain, self.clock.now()).await {
            Ok(Taken::Written(customer_id)) => {
                self.bell.ring(&customer_id);
                self.mail.notify_one();
                Handled::Done
            }
            Ok(Taken::Noted | Taken::Before) => Handled::Done,
            Ok(Taken::OrderUnknown) => {
                let cause = format!("nobody has told whose order {} is", news.order_id);
                // its own events are on their way, unless they were lost
                if delivery.is_last() { Handled::Hopeless(cause) } else { Handled::Again(cause) }
            }
            Err(error) => Handled::Again(chain(&error)),
        }
    }
}
