//! How connections are pooled, and what each of them is set to.

use std::sync::Arc;
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::{AnyConnection, AnyPool, Connection, Executor};

use super::turnstile::Turnstile;
use super::url::Resolved;
use super::{Dialect, StoreError};

/// How long a statement waits for a connection before it is `unavailable`.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// For how long an idle connection is taken to be still there.
pub(super) const TRUSTED_IDLE: Duration = Duration::from_secs(1);
const SQLITE_READERS: u32 = 3;
const POSTGRES_CONNECTIONS: u32 = 8;

/// A module's own connections to its database: on SQLite those that read, on PostgreSQL all of them.
pub(super) fn of_module(target: &Resolved) -> Result<AnyPool, StoreError> {
    match target.dialect {
        Dialect::Sqlite => sqlite_readers(&target.connect),
        Dialect::Postgres => postgres(&target.connect),
    }
}

fn sqlite_readers(url: &str) -> Result<AnyPool, StoreError> {
    Ok(options(SQLITE_READERS)
        .after_connect(|connection, _| Box::pin(run_all(connection, SQLITE_PRAGMAS)))
        .connect_lazy(url)?)
}

/// The one connection of this process that writes to a SQLite file. Whoever has it, has the turn among processes.
pub(super) fn sqlite_writer(url: &str, turnstile: &Arc<Turnstile>) -> Result<AnyPool, StoreError> {
    let [connected, acquired, released] = [turnstile.clone(), turnstile.clone(), turnstile.clone()];
    Ok(options(1)
        // one that is closed for its age is not released, and would keep the turn
        .max_lifetime(None)
        .after_connect(move |connection, _| {
            let turnstile = connected.clone();
            Box::pin(async move {
                run_all(connection, SQLITE_PRAGMAS).await?;
                Ok(turnstile.enter().await?)
            })
        })
        .before_acquire(move |_, _| {
            let turnstile = acquired.clone();
            Box::pin(async move { Ok(turnstile.enter().await.map(|()| true)?) })
        })
        .after_release(move |_, _| {
            released.leave();
            Box::pin(std::future::ready(Ok(true)))
        })
        .connect_lazy(url)?)
}

fn postgres(url: &str) -> Result<AnyPool, StoreError> {
    Ok(options(POSTGRES_CONNECTIONS)
        .after_connect(|connection, _| Box::pin(run_all(connection, DEADLINES)))
        .before_acquire(|connection, meta| Box::pin(is_usable(connection, meta.idle_for)))
        .connect_lazy(url)?)
}

/// A connection that belongs to no pool, and has no deadlines.
pub(super) async fn apart(target: &Resolved) -> Result<AnyConnection, StoreError> {
    let mut connection = AnyConnection::connect(&target.connect).await?;
    if target.dialect == Dialect::Sqlite {
        run_all(&mut connection, SQLITE_PRAGMAS).await?;
    }
    Ok(connection)
}

fn options(connections: u32) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(connections)
        .min_connections(0)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
}

pub(super) async fn run_all(
    connection: &mut AnyConnection,
    statements: &[&'static str],
) -> Result<(), sqlx::Error> {
    for statement in statements {
        connection.execute(*statement).await?;
    }
    Ok(())
}

/// Whether a pooled connection can be handed out: one that was idle for long must answer first, since a
/// server that restarted has forgotten it. One in steady use is spared the round trip.
pub(super) async fn is_usable(connection: &mut AnyConnection, idle: Duration) -> Result<bool, sqlx::Error> {
    if idle > TRUSTED_IDLE {
        connection.ping().await?;
    }
    Ok(true)
}

/// Set on every pooled PostgreSQL connection, so that no statement waits for ever, and no transaction
/// whose owner is stuck keeps its locks. Migrations have a connection of their own, without
/// these: they take their time.
const DEADLINES: &[&str] = &[
    "SET statement_timeout = '10s'",
    "SET lock_timeout = '5s'",
    "SET idle_in_transaction_session_timeout = '10s'",
];

/// Set on every SQLite connection. The page cache is kept small (KiB, when negative): the operating
/// system caches the file already.
pub(super) const SQLITE_PRAGMAS: &[&str] = &[
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA busy_timeout = 5000",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -512",
];
