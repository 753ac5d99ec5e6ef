//! Brings a module's tables up to date before anything else touches them.

use std::path::PathBuf;

use sqlx::migrate::{MigrateDatabase, Migrator};
use sqlx::{Any, AnyConnection, Connection};

use super::url::{Resolved, prefix};
use super::writer::Writer;
use super::{StoreError, pool};

/// Runs the migrations of `module`, creating the database where it is missing. The table that records
/// them carries the module's prefix, so that modules can share a database.
pub(super) async fn run(target: &Resolved, module: &str, mut migrations: Migrator) -> Result<(), StoreError> {
    let failed = |source| StoreError::Migrate { module: module.to_owned(), source };
    migrations.dangerous_set_table_name(record_of(module));
    // PostgreSQL has advisory locks for this, which sqlx takes; SQLite has none, so replicas that
    // start together on one file queue at a lock file beside it.
    let _lock = match &target.file {
        Some(file) => Some(file_lock(file.with_extension("db.migrating")).await?),
        None => None,
    };
    let mut connection = connect(target).await?;
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

/// What says that a database does not exist. PostgreSQL: invalid catalog name; SQLite: cannot open.
const MISSING: [&str; 2] = ["3D000", "14"];

async fn connect(target: &Resolved) -> Result<AnyConnection, StoreError> {
    match pool::apart(target).await {
        // Two replicas may both find it missing: one of the two creations fails, and the connection decides.
        Err(StoreError::Sql(sqlx::Error::Database(error)))
            if error.code().is_some_and(|code| MISSING.contains(&&*code)) =>
        {
            let created = Any::create_database(&target.connect).await;
            pool::apart(target).await.map_err(|error| created.err().map_or(error, StoreError::from))
        }
        connected => connected,
    }
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
