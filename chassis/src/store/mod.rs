//! Databases: SQLite (embedded, the default) and PostgreSQL behind one door.
//!
//! A module opens its [`Store`] with its own migrations; business code sees its store trait, and only
//! that module's `store.rs` sees SQL. Through sqlx's `Any` driver one statement text serves both
//! engines, with `$1` placeholders and the types that both know: ids as TEXT, times as BIGINT
//! microseconds, money as BIGINT, JSON as TEXT. A statement that only one engine has stands beside its
//! twin, chosen by [`Store::dialect`].
//!
//! SQLite runs in WAL mode with `synchronous=FULL`: one write connection a file, several readers. A
//! writing transaction takes the write lock at once (`BEGIN IMMEDIATE`), so that it never fails half-way
//! for want of it.
//!
//! A module's tables are in a database of their own or in one that all modules share. [`Stores`] opens them
//! where they are, and moves them from one to the other while the module works on.
//!
//! - [`placement`]: where each module's data is, written down
//! - [`url`]: the addresses of both databases
//! - [`pool`], [`writer`], [`turnstile`]: connections; the one line of all who write to a SQLite file
//! - [`reach`]: the first connection: waits for a server, creates a database, tells what a refusal means
//! - `measure`: how busy connections are
//! - [`gate`], [`hold`]: what every caller passes, and how all of them are made to wait
//! - [`relocation`]: the move itself
//! - [`hosted`]: the stores of a process, and their control endpoints

mod error;
mod gate;
mod hold;
mod hosted;
mod measure;
mod migrate;
mod placement;
mod pool;
mod reach;
mod relocation;
mod turnstile;
mod url;
mod writer;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sqlx::migrate::Migrator;
use sqlx::{Any, AnyPool, Executor, Transaction};

pub use error::StoreError;
pub use hosted::{StoreStatus, Stores, TableRows};
pub use placement::{Placement, Placements};
pub use reach::Server;
pub use relocation::{AbortAt, Outcome, Phase, Progress, Report};
pub use url::StoreUrl;
pub(crate) use url::prefix;

use self::gate::Gate;
use self::url::Resolved;
use self::writer::Writer;
use crate::PATIENCE;
use crate::telemetry::spans;

/// Which engine answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// The embedded engine.
    Sqlite,
    /// The engine for production.
    Postgres,
}

impl Dialect {
    /// Its name in OpenTelemetry's semantic conventions.
    fn system(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgresql",
        }
    }
}

/// A module's own tables, wherever they are: a handle, cheap to clone.
#[derive(Debug, Clone)]
pub struct Store(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    module: String,
    dialect: Dialect,
    /// The same for as long as the store is open, and the module's alone. When the module moves, its
    /// connections are closed, and new ones lead to the new place.
    pool: AnyPool,
    gate: Gate,
}

impl Store {
    /// Opens the own database of `module`, creates it where it is missing, and brings its tables up to date.
    /// Waits for a server that is not there yet.
    pub async fn open(url: &StoreUrl, module: &str, migrations: Migrator) -> Result<Self, StoreError> {
        Self::open_within(PATIENCE, url, module, migrations).await
    }

    /// The same, and waits for as long as `patience`.
    pub async fn open_within(
        patience: Duration,
        url: &StoreUrl,
        module: &str,
        migrations: Migrator,
    ) -> Result<Self, StoreError> {
        Self::at(&url.for_module(module, Placement::Own)?, module, migrations, patience).await
    }

    async fn at(
        target: &Resolved,
        module: &str,
        migrations: Migrator,
        patience: Duration,
    ) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        spans::database(target.dialect.system());
        migrate::run(target, module, migrations, patience).await?;
        let pool = pool::of_module(target)?;
        let gate = Gate::open(Writer::of(target, &pool)?);
        let parts = Arc::new(Parts { module: module.to_owned(), dialect: target.dialect, pool, gate });
        measure::count(Arc::downgrade(&parts));
        Ok(Self(parts))
    }

    /// Which engine answers.
    pub fn dialect(&self) -> Dialect {
        self.0.dialect
    }

    /// For statements that change nothing.
    pub fn read(&self) -> &AnyPool {
        &self.0.pool
    }

    /// Begins a transaction that may write, to be ended by [`commit`]. Dropped without it, it is rolled back. No remote call
    /// may happen while it is open: on SQLite it holds the only write connection of the file.
    pub async fn begin(&self) -> Result<Transaction<'static, Any>, StoreError> {
        let asked = Instant::now();
        loop {
            let writer = self.0.gate.pass().await?;
            if let Some(begun) = self.begin_at(&writer).await? {
                measure::began(&self.0.module, asked);
                return Ok(begun);
            }
        }
    }

    /// Begins a transaction in the line of `writer`; nothing where the module is being moved, or has been,
    /// since that line was entered: nothing was done yet, and it begins again where the data is then.
    async fn begin_at(&self, writer: &Arc<Writer>) -> Result<Option<Transaction<'static, Any>>, StoreError> {
        let begun = writer.begin().await;
        if self.0.gate.admits(writer) { Ok(Some(begun?)) } else { Ok(None) }
    }

    /// Whether the database answers: for `/readyz`.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.0.pool.execute("SELECT 1").await?;
        Ok(())
    }

    /// Closes every connection, after the statements under way.
    pub async fn close(&self) {
        if let Some(writer) = self.0.gate.shut() {
            // a pool that is closed has nothing under way
            drop(writer.turn().await);
            writer.leave().await;
        }
        self.0.pool.close().await;
    }
}

/// Commits. An answer that stays out is [`StoreError::Commit`], which a caller sees as `outcome_unknown`:
/// "nothing happened" would be a guess.
pub async fn commit(tx: Transaction<'static, Any>) -> Result<(), StoreError> {
    tx.commit().await.map_err(StoreError::of_commit)
}
