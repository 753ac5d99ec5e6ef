//! Who of all instances of a module may relay: whoever holds the lease in the module's database.
//!
//! The lease saves work and keeps relays from getting in each other's way. Nothing depends on it being
//! exclusive: a relay that was stopped in the middle of a batch, and wakes when another has its lease,
//! publishes messages a second time, under the same ids. Nor can it upset their order: both publish from
//! the oldest row on, so that each message is first said after those before it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::books::Books;
use crate::store::{StoreError, commit};

/// One relay's claim to the lease. Times are told by the database, so that clocks of two machines need
/// not agree.
pub(super) struct Lease {
    books: Arc<Books>,
    owner: String,
    length: Duration,
}

impl Lease {
    pub fn new(books: &Arc<Books>, length: Duration) -> Self {
        Self { books: books.clone(), owner: Uuid::new_v4().to_string(), length }
    }

    /// Returns as soon as the lease is ours. Looks every `interval`, without writing while another holds it.
    pub async fn take(&self, interval: Duration) {
        let module = self.books.module();
        loop {
            let taking = async { Ok::<_, StoreError>(!self.is_held().await? && self.renew().await?) };
            // what took longer than the lease holds may have lapsed by now
            match timeout(self.length, taking).await {
                Ok(Ok(true)) => return,
                Ok(Ok(false)) => {}
                Ok(Err(error)) => {
                    tracing::debug!(module, %error, "the relay of {module} cannot ask for its lease: {error}");
                }
                Err(_) => {
                    tracing::debug!(module, "the relay of {module} asked for its lease, and nobody answered");
                }
            }
            sleep(interval).await;
        }
    }

    /// Renews the lease; returns when it is lost, or could be: nobody renewed it for its whole length.
    pub async fn keep(&self) {
        let interval = self.length / 3;
        let mut renewed = Instant::now();
        loop {
            sleep(interval).await;
            let begun = Instant::now();
            match timeout(interval, self.renew()).await {
                Ok(Ok(true)) => renewed = begun,
                Ok(Ok(false)) => return,
                Ok(Err(_)) | Err(_) if renewed.elapsed() + interval >= self.length => return,
                Ok(Err(_)) | Err(_) => {}
            }
        }
    }

    /// Lets the lease go, if it is still ours, so that a standby follows at once.
    pub async fn leave(&self) -> Result<(), StoreError> {
        let mut tx = self.books.store().begin().await?;
        sqlx::query(self.books.statements().lease_leave.clone())
            .bind(self.owner.clone())
            .execute(&mut *tx)
            .await?;
        commit(tx).await
    }

    async fn is_held(&self) -> Result<bool, StoreError> {
        let row = sqlx::query(self.books.statements().lease_held.clone())
            .bind(self.owner.clone())
            .fetch_optional(self.books.store().read())
            .await?;
        Ok(row.is_some())
    }

    async fn renew(&self) -> Result<bool, StoreError> {
        let mut tx = self.books.store().begin().await?;
        let renewed = sqlx::query(self.books.statements().lease_take.clone())
            .bind(self.owner.clone())
            .bind(i64::try_from(self.length.as_micros()).unwrap_or(i64::MAX))
            .execute(&mut *tx)
            .await?;
        commit(tx).await?;
        Ok(renewed.rows_affected() == 1)
    }
}
