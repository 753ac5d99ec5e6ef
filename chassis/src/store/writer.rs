//! Those connections of a database that write.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyPool, Transaction};

use super::turnstile::Turnstile;
use super::url::Resolved;
use super::{Dialect, StoreError, pool};

/// The writers of this process' SQLite files. A file can be written by one connection at a time, so all
/// modules that live in it stand in one line, in the order in which they came. Each with a connection of
/// its own would find the file busy instead, and try again and again until it is lucky. (Processes take turns
/// at a [`Turnstile`].)
static OF_FILES: Mutex<BTreeMap<PathBuf, Weak<Writer>>> = Mutex::new(BTreeMap::new());

/// Writes to one database: on SQLite the one write connection of the file, on PostgreSQL the module's pool.
#[derive(Debug)]
pub(super) struct Writer {
    dialect: Dialect,
    pool: AnyPool,
    /// Where processes take turns, for a file.
    turnstile: Option<Arc<Turnstile>>,
}

impl Writer {
    /// The writer of a database that is there. `pool` is the module's own.
    pub fn of(target: &Resolved, pool: &AnyPool) -> Result<Arc<Self>, StoreError> {
        match &target.file {
            Some(file) => Self::of_file(file, target),
            None => Ok(Arc::new(Self { dialect: Dialect::Postgres, pool: pool.clone(), turnstile: None })),
        }
    }

    /// The one writer that this process has for a SQLite file.
    pub fn of_file(file: &Path, target: &Resolved) -> Result<Arc<Self>, StoreError> {
        let path =
            file.canonicalize().map_err(|source| StoreError::File { file: file.to_owned(), source })?;
        let mut all = OF_FILES.lock();
        all.retain(|_, writer| writer.strong_count() > 0);
        let known = all.get(&path).and_then(Weak::upgrade);
        if let Some(writer) = known.filter(|writer| !writer.pool.is_closed()) {
            return Ok(writer);
        }
        let turnstile = Arc::new(Turnstile::of(&path));
        let pool = pool::sqlite_writer(&target.connect, &turnstile)?;
        let writer = Arc::new(Self { dialect: Dialect::Sqlite, pool, turnstile: Some(turnstile) });
        all.insert(path, Arc::downgrade(&writer));
        Ok(writer)
    }

    /// Begins a transaction that takes the write lock at once, so that it never fails half-way for want of
    /// it. (PostgreSQL locks rows.)
    pub async fn begin(&self) -> Result<Transaction<'static, Any>, sqlx::Error> {
        match self.dialect {
            Dialect::Sqlite => self.pool.begin_with("BEGIN IMMEDIATE").await,
            Dialect::Postgres => self.pool.begin().await,
        }
    }

    /// Waits in line for a connection. On SQLite nobody else writes to the file while it is held, and every transaction that stood before it in the line has ended.
    pub async fn turn(&self) -> Result<PoolConnection<Any>, sqlx::Error> {
        self.pool.acquire().await
    }

    /// Closes the connections, though others may use them: for a file that nobody may write any more.
    pub async fn close(&self) {
        self.pool.close().await;
        // what a pool that closes takes back is not released
        if let Some(turnstile) = &self.turnstile {
            turnstile.leave();
        }
    }

    /// Closes the connections after the transactions under way, if nobody else in this process uses them.
    pub async fn leave(self: Arc<Self>) {
        if let Some(last) = Arc::into_inner(self) {
            last.close().await;
        }
    }
}
