//! Messages that ask nothing of a module: of an unknown type or version, or of no concern to it.

use contracts::error::chain;

use super::{Delivery, Handled, Mailbox};

/// Notes in the inbox that there was nothing to do, so that the audit can account for every message.
pub async fn ignored(mailbox: &Mailbox, delivery: &Delivery) -> Handled {
    let (kind, queue) = (&delivery.message.kind, delivery.queue);
    tracing::debug!(kind, queue, "{kind} in {queue} asks nothing of this module: ignored");
    match mailbox.settle(queue, delivery.message.id, &[]).await {
        Ok(_) => Handled::Done,
        Err(error) => Handled::Again(chain(&error)),
    }
}
