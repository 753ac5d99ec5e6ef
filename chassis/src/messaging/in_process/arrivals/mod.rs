//! What came for a module and is not dealt with, in the module's own database: what its queues would be at a
//! broker, dead letters included.
//!
//! A row leaves when its message was dealt with, which the inbox knows from the same moment or from before. A
//! message that comes again, because a relay could not know that it had come, is not written again: neither
//! while it stands here nor once the inbox has it.

mod row;
mod statements;

use std::sync::Arc;
use std::time::Duration;

use contracts::Timestamp;
use sqlx::{Any, Transaction};

use self::statements::Statements;
use super::content::storable;
use crate::clock::Clock;
use crate::messaging::sql::json;
use crate::store::{Store, StoreError, commit};

pub(in crate::messaging) use row::{Arrival, Death, NewArrival};

/// The arrivals of a module.
pub(in crate::messaging) struct Arrivals {
    store: Store,
    module: &'static str,
    statements: Statements,
    clock: Arc<dyn Clock>,
}

/// What became of an arrival, to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::messaging) struct Verdict {
    pub position: i64,
    /// So many attempts were made.
    pub attempts: u32,
    pub cause: String,
    pub then: Then,
}

/// What is to happen next to an arrival that was not dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::messaging) enum Then {
    /// It is delivered again after so long.
    Again(Duration),
    /// It is a dead letter now.
    Die,
}

/// Nothing is ever due later than this: where it seems so, the clock was set back.
const FARTHEST: Duration = Duration::from_secs(60);

impl Arrivals {
    pub(in crate::messaging) fn new(store: Store, module: &'static str, clock: Arc<dyn Clock>) -> Self {
        let statements = Statements::new(store.dialect(), module);
        Self { store, module, statements, clock }
    }

    pub(in crate::messaging) fn module(&self) -> &'static str {
        self.module
    }

    /// Writes what arrived, in its order and in one transaction; what stands here, or was dealt with, stays as
    /// it is.
    pub(in crate::messaging) async fn insert(&self, arrivals: &[NewArrival]) -> Result<(), StoreError> {
        let mut tx = self.store.begin().await?;
        sqlx::query(self.statements.insert.clone())
            .bind(row::objects(arrivals, self.now())?)
            .execute(&mut *tx)
            .await?;
        commit(tx).await
    }

    /// The oldest that are due in `queue`, without those at these positions.
    pub(in crate::messaging) async fn due(
        &self,
        queue: &str,
        left_out: &[i64],
        limit: usize,
    ) -> Result<Vec<Arrival>, StoreError> {
        let now = self.now();
        let rows = sqlx::query(self.statements.due.clone())
            .bind(queue.to_owned())
            .bind(now.0)
            .bind(now.plus(FARTHEST).0)
            .bind(json(left_out)?)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(self.store.read())
            .await?;
        rows.iter().map(row::arrival).collect()
    }

    /// Notes that somebody begins to consume `queue`. Where the last who did never ended it, an attempt is
    /// counted at the oldest messages, as many as may have been in hand: nobody else would count those at a
    /// message that kills every process.
    pub(in crate::messaging) async fn begin(&self, queue: &str, in_hand: u16) -> Result<(), StoreError> {
        let mut tx = self.store.begin().await?;
        let begun = sqlx::query(self.statements.consuming.clone()).bind(queue.to_owned());
        if begun.execute(&mut *tx).await?.rows_affected() == 0 {
            sqlx::query(self.statements.interrupted.clone())
                .bind(queue.to_owned())
                .bind(i64::from(in_hand))
                .execute(&mut *tx)
                .await?;
        }
        commit(tx).await
    }

    /// Notes that nobody has a message of `queue` in hand any more.
    pub(in crate::messaging) async fn end(&self, queue: &str) -> Result<(), StoreError> {
        let mut tx = self.store.begin().await?;
        sqlx::query(self.statements.consumed.clone()).bind(queue.to_owned()).execute(&mut *tx).await?;
        commit(tx).await
    }

    /// Writes what became of arrivals, in one transaction: those that were dealt with go.
    pub(in crate::messaging) async fn settle(
        &self,
        done: &[i64],
        verdicts: &[Verdict],
    ) -> Result<(), StoreError> {
        let mut tx = self.store.begin().await?;
        if !done.is_empty() {
            self.delete_in_tx(&mut tx, done).await?;
        }
        for verdict in verdicts {
            self.judge_in_tx(&mut tx, verdict).await?;
        }
        commit(tx).await
    }

    async fn judge_in_tx(&self, tx: &mut Transaction<'_, Any>, verdict: &Verdict) -> Result<(), StoreError> {
        let (attempts, now) = (i64::from(verdict.attempts), self.now());
        let cause = storable(&verdict.cause);
        let query = match verdict.then {
            Then::Again(pause) => {
                sqlx::query(self.statements.again.clone()).bind(attempts).bind(now.plus(pause).0).bind(cause)
            }
            Then::Die => sqlx::query(self.statements.die.clone()).bind(attempts).bind(cause).bind(now.0),
        };
        query.bind(verdict.position).execute(&mut **tx).await?;
        Ok(())
    }

    /// Up to `limit` dead letters of `queue`, the oldest first.
    pub(in crate::messaging) async fn dead(
        &self,
        queue: &str,
        limit: usize,
    ) -> Result<Vec<Arrival>, StoreError> {
        let rows = sqlx::query(self.statements.dead.clone())
            .bind(queue.to_owned())
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(self.store.read())
            .await?;
        rows.iter().map(row::arrival).collect()
    }

    /// Dead letters are delivered again, as if they had just arrived.
    pub(in crate::messaging) async fn revive(&self, positions: &[i64]) -> Result<(), StoreError> {
        let mut tx = self.store.begin().await?;
        sqlx::query(self.statements.revive.clone())
            .bind(self.now().0)
            .bind(json(positions)?)
            .execute(&mut *tx)
            .await?;
        commit(tx).await
    }

    pub(in crate::messaging) async fn delete(&self, positions: &[i64]) -> Result<(), StoreError> {
        let mut tx = self.store.begin().await?;
        self.delete_in_tx(&mut tx, positions).await?;
        commit(tx).await
    }

    async fn delete_in_tx(&self, tx: &mut Transaction<'_, Any>, positions: &[i64]) -> Result<(), StoreError> {
        sqlx::query(self.statements.delete.clone()).bind(json(positions)?).execute(&mut **tx).await?;
        Ok(())
    }

    /// How many wait to be dealt with.
    pub(in crate::messaging) async fn waiting(&self) -> Result<u64, StoreError> {
        let row = sqlx::query(self.statements.waiting.clone()).fetch_one(self.store.read()).await?;
        row::waiting(&row)
    }

    /// The first of all that are here, dead letters included, in the order in which they came.
    pub(in crate::messaging) async fn first(&self, limit: u16) -> Result<Vec<Arrival>, StoreError> {
        let rows = sqlx::query(self.statements.first.clone())
            .bind(i64::from(limit))
            .fetch_all(self.store.read())
            .await?;
        rows.iter().map(row::arrival).collect()
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
