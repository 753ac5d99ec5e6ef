//! Mails and whose orders they are about, kept.

mod rows;
mod sql;

use std::time::Duration;

use async_trait::async_trait;
use chassis::store::StoreError;
use contracts::Timestamp;
use contracts::messages::MessageId;
use contracts::notifications::Notification;
use contracts::types::CustomerId;

use crate::domain::{News, Next};

pub use sql::SqlStore;

/// What became of news.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// A mail to this customer was written.
    Written(CustomerId),
    /// Whose order it is was noted; there was nothing to write.
    Noted,
    /// It was taken before; nothing changed.
    Before,
    /// Nobody has told yet whose order it is; nothing changed.
    OrderUnknown,
}

/// A mail that a worker has claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The mail.
    pub mail: Notification,
    /// Which attempt this is; 1 is the first. A worker whose claim ran out and was taken over has another
    /// number than its successor.
    pub attempt: u32,
}

/// What became of a claimed mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Which mail.
    pub id: MessageId,
    /// The attempt that it was claimed for.
    pub attempt: u32,
    /// What becomes of it.
    pub next: Next,
}

/// What notifications keep. Each changing method is one atomic change.
#[async_trait]
pub trait NotificationsStore: Send + Sync + 'static {
    /// Takes news that came out of `queue`: notes whose order it is and writes the mail, to an address at
    /// `domain`, together with the row of the inbox. News that comes again changes nothing.
    async fn news_take(
        &self,
        queue: &str,
        news: &News,
        domain: &str,
        now: Timestamp,
    ) -> Result<Taken, StoreError>;

    /// One notification of a customer.
    async fn notification(
        &self,
        customer_id: &CustomerId,
        id: MessageId,
    ) -> Result<Option<Notification>, StoreError>;

    /// Up to `most` of a customer's notifications, newest first: from before `before` on, if it names one.
    async fn notifications_newest(
        &self,
        customer_id: &CustomerId,
        before: Option<MessageId>,
        most: u32,
    ) -> Result<Vec<Notification>, StoreError>;

    /// Up to `most` of a customer's notifications, oldest first: from after `after` on, if it names one.
    /// Whoever has seen one has seen all before it: none appears late.
    async fn notifications_since(
        &self,
        customer_id: &CustomerId,
        after: Option<MessageId>,
        most: u32,
    ) -> Result<Vec<Notification>, StoreError>;

    /// Up to `most` notifications of everybody by id, from after `after` on.
    async fn notifications_page(&self, after: &str, most: u32) -> Result<Vec<Notification>, StoreError>;

    /// Claims up to `most` of the mails that are to be sent, for `lease`: until it runs out, no other
    /// worker gets them.
    async fn mails_claim(
        &self,
        now: Timestamp,
        lease: Duration,
        most: u32,
    ) -> Result<Vec<Claimed>, StoreError>;

    /// Stores what became of claimed mails. A mail that was sent is sent, whoever has the claim by now; a
    /// failure counts only while the claim is still its own.
    async fn mails_settle(&self, settled: &[Settled]) -> Result<(), StoreError>;
}
