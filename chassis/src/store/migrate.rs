//! Brings a module's tables up to date before anything else touches them.

use std::path::PathBuf;
use std::time::Duration;

use sqlx::migrate::{Migrate, MigrateError, Migrator};
use sqlx::{AnyConnection, Connection};
use tokio::time::timeout;

use super::error::says;
use super::pool::run_all;
use super::reach::{Server, reach};
use super::url::{Resolved, prefix};
use super::writer::Writer;
use super::{Dialect, StoreError};
use crate::waiting::aloud;

/// How long others may take who migrate in the same place.
const PATIENCE: Duration = Duration::from_secs(60);
/// The same for PostgreSQL. It holds for what the migrations themselves lock, too.
const POSTGRES_DEADLINE: &[&str] = &["SET lock_timeout = '60s'"];
/// What PostgreSQL says once that is over: lock not available.
const NOT_HAD: [&str; 1] = ["55P03"];

/// Runs the migrations of `module`, creating the database where it is missing, and waiting for its server for as
/// long as `patience`. The table that records them carries the module's prefix, so that modules can share a database.
pub(super) async fn run(
    target: &Resolved,
    module: &str,
    mut migrations: Migrator,
    patience: Duration,
) -> Result<(), StoreError> {
    let failed = |source| StoreError::Migrate { module: module.to_owned(), source };
    migrations.dangerous_set_table_name(record_of(module));
    // what a newer version has added is left to it: this one starts on its tables while both run, and after a way back
    migrations.set_ignore_missing(true);
    // sqlx would wait for its lock without a word
    migrations.set_locking(false);
    // PostgreSQL has advisory locks for this; SQLite has none, so replicas that start together on one
    // file queue at a lock file beside it.
    let _lock = match &target.file {
        Some(file) => Some(file_lock(file.with_extension("db.migrating"), PATIENCE).await?),
        None => None,
    };
    let mut connection = reach(target, patience).await?;
    if target.dialect == Dialect::Postgres {
        let server = Server::of(target)?.to_string();
        match advisory_lock(&mut connection, &server).await {
            Err(MigrateError::Execute(error)) if says(&error, &NOT_HAD) => {
                return Err(migrating(server, PATIENCE));
            }
            had => had.map_err(failed)?,
        }
    }
    // modules of this process that live in the same file may be at work already
    let line = target.file.as_ref().map(|file| Writer::of_file(file, target)).transpose()?;
    let _turn = match &line {
        Some(line) => Some(line.turn().await?),
        None => None,
    };
    migrations.run_direct(None, &mut connection, false).await.map_err(failed)?;
    connection.close().await?;
    Ok(())
}

/// The table that tells which migrations of `module` have run.
pub(super) fn record_of(module: &str) -> String {
    format!("{}_migrations", prefix(module))
}

/// The lock that sqlx takes, of all who migrate in that database. Held until the connection is closed.
async fn advisory_lock(connection: &mut AnyConnection, server: &str) -> Result<(), MigrateError> {
    run_all(connection, POSTGRES_DEADLINE).await?;
    queued(server, connection.lock()).await
}

/// Held until dropped. The operating system lets go of it when the process dies.
async fn file_lock(path: PathBuf, patience: Duration) -> Result<std::fs::File, StoreError> {
    let file = path.clone();
    let locked = tokio::task::spawn_blocking(move || {
        let handle = std::fs::OpenOptions::new().create(true).append(true).open(&path)?;
        handle.lock()?;
        Ok::<_, std::io::Error>(handle)
    });
    let place = file.display().to_string();
    match timeout(patience, queued(&place, locked)).await {
        Ok(Ok(result)) => result.map_err(|source| StoreError::Lock { file, source }),
        Ok(Err(panicked)) => Err(StoreError::Lock { file, source: std::io::Error::other(panicked) }),
        Err(_) => Err(migrating(place, patience)),
    }
}

/// Waits for a lock of those who migrate in `place`.
async fn queued<T>(place: &str, lock: impl Future<Output = T>) -> T {
    aloud(&format!("the migration lock of {place}"), "another process has it", lock).await
}

fn migrating(place: String, waited: Duration) -> StoreError {
    StoreError::Migrating { place, waited_s: waited.as_secs() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A process that hung while it migrated kept every other from starting, and nobody could tell why.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn whoever_migrates_is_waited_for_and_not_for_ever() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("shop.db.migrating");
        let held = file_lock(path.clone(), PATIENCE).await.expect("nobody has it");
        let error = file_lock(path.clone(), Duration::from_millis(50)).await.expect_err("it is held");
        assert!(matches!(error, StoreError::Migrating { .. }), "{error:?}");
        assert!(error.to_string().contains("shop.db.migrating"), "{error}");
        drop(held);
        file_lock(path, PATIENCE).await.expect("it is free, or will be at once");
    }
}
