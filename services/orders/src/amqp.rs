//! Orders' end of the message queues: decodes a message, hands it to the saga, and says what became of it.

use std::sync::Arc;

use async_trait::async_trait;
use chassis::messaging::{Delivery, Handled, Handler, Mailbox, ignored};
use chassis::store::StoreError;
use contracts::error::chain;
use contracts::messages::CommandReply;

use crate::domain::messages;
use crate::saga::Saga;
use crate::store::Change;

/// Takes in what the other modules answer to the commands of orchestrated orders.
pub fn replies(saga: Saga, mailbox: Mailbox) -> Arc<dyn Handler> {
    Arc::new(Replies { saga, mailbox })
}

/// Takes in what the other modules tell about choreographed orders.
pub fn events(saga: Saga, mailbox: Mailbox) -> Arc<dyn Handler> {
    Arc::new(Events { saga, mailbox })
}

struct Replies {
    saga: Saga,
    mailbox: Mailbox,
}

#[async_trait]
impl Handler for Replies {
    async fn handle(&self, delivery: &Delivery) -> Handled {
        match CommandReply::read(&delivery.message) {
            Ok(Some(reply)) => {
                let change = self.saga.receive_reply(delivery.queue, &delivery.message, &reply).await;
                handled(&self.mailbox, delivery, change).await
            }
            Ok(None) => ignored(&self.mailbox, delivery).await,
            Err(error) => Handled::Hopeless(error.to_string()),
        }
    }
}

struct Events {
    saga: Saga,
    mailbox: Mailbox,
}

#[async_trait]
impl Handler for Events {
    async fn handle(&self, delivery: &Delivery) -> Handled {
        match messages::heard(&delivery.message) {
            Ok(Some(input)) => {
                let change = self.saga.receive_event(delivery.queue, &delivery.message, &input).await;
                handled(&self.mailbox, delivery, change).await
            }
            Ok(None) => ignored(&self.mailbox, delivery).await,
            Err(error) => Handled::Hopeless(error.to_string()),
        }
    }
}

async fn handled(mailbox: &Mailbox, delivery: &Delivery, change: Result<Change, StoreError>) -> Handled {
    match change {
        // its receipt is noted with the change
        Ok(Change::Made(_) | Change::None | Change::ReceivedBefore) => Handled::Done,
        Ok(Change::NoOrder) => ignored(mailbox, delivery).await,
        // even where the row makes no sense: somebody may mend it while the message comes again
        Err(error) => Handled::Again(chain(&error)),
    }
}
