//! Brings a module's tables up to date before anything else touches them.

use std::path::PathBuf;
use std::time::Duration;

use sqlx::Connection;
use sqlx::migrate::Migrator;

use super::StoreError;
use super::reach::reach;
use super::url::{Resolved, prefix};
use super::writer::Writer;

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
    // PostgreSQL has advisory locks for this, which sqlx takes; SQLite has none, so replicas that
    // start together on one file queue at a lock file beside it.
    let _lock = match &target.file {
        Some(file) => Some(file_lock(file.with_extension("db.migrating")).await?),
        None => None,
    };
    let mut connection = reach(target, patience).await?;
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

/// Held until dropped. The operating system lets go of it when the process dies.
async fn file_lock(path: PathBuf) -> Result<std::fs::File, StoreError> {
    let file = path.clone();
    let locked = tokio::task::spawn_blocking(move || {
        let handle = std::fs::OpenOptions::new().create(true).append(true).open(&path)?;
        handle.lock()?;
        Ok(handle)
    })
    .await;
    match locked {
        Ok(result) => result.map_err(|source| StoreError::Lock { file, source }),
        Err(panicked) => Err(StoreError::Lock { file, source: std::io::Error::other(panicked) }),
    }
}
