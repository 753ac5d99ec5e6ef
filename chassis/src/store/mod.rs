//! Databases: SQLite (embedded, the default) and PostgreSQL behind one door.
//!
//! A module opens its [`Store`] with its own migrations; business code sees its store trait, and only
//! that module's `store.rs` sees SQL. Through sqlx's `Any` driver one statement text serves both
//! engines, with `$1` placeholders and the types that both know: ids as TEXT, times as BIGINT
//! microseconds, money as BIGINT, JSON as TEXT. A statement that only one engine has stands beside its
//! twin, chosen by [`Store::dialect`].
//!
//! SQLite runs in WAL mode with `synchronous=FULL`: one write connection, several readers. A writing
//! transaction takes the write lock at once (`BEGIN IMMEDIATE`), so that it never fails half-way for
//! want of it.

mod error;
mod migrate;
mod url;

#[cfg(test)]
mod tests;

use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::migrate::Migrator;
use sqlx::{Any, AnyConnection, AnyPool, Connection, Executor, Transaction};

pub use error::StoreError;
pub use url::StoreUrl;

/// Which engine answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The embedded engine.
    Sqlite,
    /// The engine for production.
    Postgres,
}

/// A module's own database.
#[derive(Debug, Clone)]
pub struct Store {
    dialect: Dialect,
    read: AnyPool,
    write: AnyPool,
}

/// How long a statement waits for a connection before it is `unavailable`.
const PATIENCE: Duration = Duration::from_secs(5);
/// For how long an idle connection is taken to be still there.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);
const READERS: u32 = 3;
const POSTGRES_CONNECTIONS: u32 = 8;

impl Store {
    /// Opens the database of `module`, creates it where it is missing, and brings its tables up to date.
    pub async fn open(url: &StoreUrl, module: &str, migrations: Migrator) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let resolved = url.for_module(module)?;
        migrate::run(&resolved, module, migrations).await?;
        let store = match resolved.dialect {
            Dialect::Sqlite => {
                let text = resolved.connect.as_str();
                Self {
                    dialect: Dialect::Sqlite,
                    read: sqlite_pool(text, READERS)?,
                    write: sqlite_pool(text, 1)?,
                }
            }
            Dialect::Postgres => {
                let pool = postgres_pool(&resolved.connect)?;
                Self { dialect: Dialect::Postgres, read: pool.clone(), write: pool }
            }
        };
        Ok(store)
    }

    /// Which engine answers.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// For statements that change nothing.
    pub fn read(&self) -> &AnyPool {
        &self.read
    }

    /// Begins a transaction that may write, to be ended by [`commit`]. Dropped without it, it is rolled back. No remote call
    /// may happen while it is open: on SQLite it holds the only write connection.
    pub async fn begin(&self) -> Result<Transaction<'static, Any>, StoreError> {
        Ok(match self.dialect {
            Dialect::Sqlite => self.write.begin_with("BEGIN IMMEDIATE").await?,
            Dialect::Postgres => self.write.begin().await?,
        })
    }

    /// Whether the database answers: for `/readyz`.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.read.execute("SELECT 1").await?;
        Ok(())
    }

    /// Closes every connection, after the statements under way.
    pub async fn close(&self) {
        self.write.close().await;
        self.read.close().await;
    }
}

/// Commits. An answer that stays out is [`StoreError::Commit`], which a caller sees as `outcome_unknown`:
/// "nothing happened" would be a guess.
pub async fn commit(tx: Transaction<'static, Any>) -> Result<(), StoreError> {
    tx.commit().await.map_err(StoreError::of_commit)
}

fn options(connections: u32) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(connections)
        .min_connections(0)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
}

fn sqlite_pool(url: &str, connections: u32) -> Result<AnyPool, StoreError> {
    Ok(options(connections)
        .after_connect(|connection, _| Box::pin(run_all(connection, SQLITE_PRAGMAS)))
        .connect_lazy(url)?)
}

fn postgres_pool(url: &str) -> Result<AnyPool, StoreError> {
    Ok(options(POSTGRES_CONNECTIONS)
        .after_connect(|connection, _| Box::pin(run_all(connection, DEADLINES)))
        .before_acquire(|connection, meta| Box::pin(is_usable(connection, meta.idle_for)))
        .connect_lazy(url)?)
}

async fn run_all(connection: &mut AnyConnection, statements: &[&'static str]) -> Result<(), sqlx::Error> {
    for statement in statements {
        connection.execute(*statement).await?;
    }
    Ok(())
}

/// Whether a pooled connection can be handed out: one that was idle for long must answer first, since a
/// server that restarted has forgotten it. One in steady use is spared the round trip.
async fn is_usable(connection: &mut AnyConnection, idle: Duration) -> Result<bool, sqlx::Error> {
    if idle > TRUSTED_IDLE {
        connection.ping().await?;
    }
    Ok(true)
}

/// Set on every pooled PostgreSQL connection, so that no statement waits for ever, and no transaction
/// whose owner is stuck keeps its locks. Migrations have a connection of their own, without these.
const DEADLINES: &[&str] = &[
    "SET statement_timeout = '10s'",
    "SET lock_timeout = '5s'",
    "SET idle_in_transaction_session_timeout = '10s'",
];

/// Set on every SQLite connection. The page cache is kept small (KiB, when negative): the operating
/// system caches the file already.
const SQLITE_PRAGMAS: &[&str] = &[
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA busy_timeout = 5000",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -512",
];
