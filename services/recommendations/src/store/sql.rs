//! [`ModelStore`] on SQLite and PostgreSQL.
//!
//! A writer first moves the offset of its generation, under the condition that it stands where the
//! writer read it. That takes the generation's row lock, so that of two writers one waits, and then finds
//! that the other was there: no event counts twice, however many instances read the log.

use async_trait::async_trait;
use chassis::store::{Dialect, Store, StoreError, commit};
use contracts::recommendations::{ProjectedOrder, Recommended};
use contracts::{CustomerId, Sku, Timestamp};
use sqlx::{Any, Transaction};

use super::{Added, Dropped, ModelStore, Positions, Replay, Role, Stretch, Switched};
use super::{change, generations, model};

/// The store on `chassis::store`.
#[derive(Debug, Clone)]
pub struct SqlStore {
    store: Store,
}

impl SqlStore {
    /// A store whose tables are there.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Adds a stretch within a transaction; says to which generation, or that it was not added.
    async fn add_in_tx(
        &self,
        tx: &mut Transaction<'static, Any>,
        role: Role,
        stretch: &Stretch,
    ) -> Result<Option<i64>, StoreError> {
        let Some(generation) = generations::advance_in_tx(tx, role, stretch).await? else {
            return Ok(None);
        };
        change::apply_in_tx(tx, self.store.dialect(), generation, &stretch.facts).await?;
        Ok(Some(generation))
    }
}

#[async_trait]
impl ModelStore for SqlStore {
    async fn positions(&self) -> Result<Positions, StoreError> {
        generations::positions(self.store.read()).await
    }

    async fn stretch_add(&self, role: Role, stretch: &Stretch) -> Result<Added, StoreError> {
        let mut tx = self.store.begin().await?;
        if self.add_in_tx(&mut tx, role, stretch).await?.is_none() {
            tx.rollback().await?;
            return Ok(Added::Elsewhere);
        }
        commit(tx).await?;
        Ok(Added::Yes)
    }

    async fn log_begun_anew(&self, at: u64, first: u64) -> Result<(), StoreError> {
        let mut tx = self.store.begin().await?;
        generations::begin_anew_in_tx(&mut tx, at, first).await?;
        commit(tx).await
    }

    async fn replay_begin(&self, at: Timestamp) -> Result<Option<Replay>, StoreError> {
        let mut tx = self.store.begin().await?;
        match generations::building_insert_in_tx(&mut tx, at).await {
            Ok(()) => {}
            Err(error) if error.is_unique_violation() => return Ok(None),
            Err(error) => return Err(error),
        }
        // before anybody can see it: once committed, an instance may be at work on it already
        let begun = generations::replay(&mut *tx).await?;
        commit(tx).await?;
        Ok(begun)
    }

    async fn replay_finish(&self, last: Option<&Stretch>, at: Timestamp) -> Result<Switched, StoreError> {
        let mut tx = self.store.begin().await?;
        // from here on the generation that answers stands still; every writer of two takes it first
        let serving = generations::lock_in_tx(&mut tx, Role::Serving).await?;
        let added = match last {
            Some(last) => self.add_in_tx(&mut tx, Role::Building, last).await?.is_some(),
            None => true,
        };
        let building = if added { generations::lock_in_tx(&mut tx, Role::Building).await? } else { None };
        let (Some(old), Some(new)) = (serving, building) else {
            tx.rollback().await?;
            return Ok(Switched::NotYet);
        };
        if old.next_offset != new.next_offset {
            tx.rollback().await?;
            return Ok(Switched::NotYet);
        }
        let differences = model::compare_in_tx(&mut tx, old.generation, new.generation).await?;
        generations::switch_in_tx(&mut tx, old, new, differences, at).await?;
        commit(tx).await?;
        Ok(Switched::Yes)
    }

    async fn replay(&self) -> Result<Option<Replay>, StoreError> {
        generations::replay(self.store.read()).await
    }

    async fn retired_drop(&self, most: u32) -> Result<Dropped, StoreError> {
        let Some(generation) = generations::retired(self.store.read()).await? else {
            return Ok(Dropped::All);
        };
        let mut tx = self.store.begin().await?;
        // two that drop the same rows would each find fewer than there are
        generations::retired_lock_in_tx(&mut tx, generation).await?;
        // its own row goes last, so that a crash in between leaves behind what is gone on with
        if model::drop_in_tx(&mut tx, generation, most).await? == 0 {
            generations::delete_in_tx(&mut tx, generation).await?;
        }
        commit(tx).await?;
        Ok(Dropped::Some)
    }

    async fn together_with(&self, sku: &Sku, most: u32) -> Result<Recommended, StoreError> {
        model::recommended(self.store.read(), model::TOGETHER_WITH, &sku.0, most).await
    }

    async fn together_with_all_of(
        &self,
        customer: &CustomerId,
        most: u32,
    ) -> Result<Recommended, StoreError> {
        model::recommended(self.store.read(), model::TOGETHER_WITH_ALL_OF, &customer.0, most).await
    }

    async fn orders_page(&self, after: &str, most: u32) -> Result<Vec<ProjectedOrder>, StoreError> {
        model::orders_page(self.store.read(), after, most).await
    }
}

/// One statement in the words of both engines.
pub(super) struct Twin {
    pub sqlite: &'static str,
    pub postgres: &'static str,
}

impl Twin {
    pub fn on(&self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgres => self.postgres,
        }
    }
}
