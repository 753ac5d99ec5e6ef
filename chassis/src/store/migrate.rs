//! Brings a module's tables up to date before anything else touches them.

use std::path::PathBuf;

use sqlx::migrate::{MigrateDatabase, Migrator};
use sqlx::{Any, AnyConnection, Connection};

use super::url::Resolved;
use super::{Dialect, SQLITE_PRAGMAS, StoreError, run_all};

/// Runs the migrations of `module`, creating the database where it is missing. The table that records
/// them carries the module's prefix, so that modules can share a database.
pub(super) async fn run(target: &Resolved, module: &str, mut migrations: Migrator) -> Result<(), StoreError> {
    let failed = |source| StoreError::Migrate { module: module.to_owned(), source };
    migrations.dangerous_set_table_name(format!("{}_migrations", module.replace('-', "_")));
    // PostgreSQL has advisory locks for this, which sqlx takes; SQLite has none, so replicas that
    // start together on one file queue at a lock file beside it.
    let _lock = match &target.file {
        Some(file) => Some(file_lock(file.with_extension("db.migrating")).await?),
        None => None,
    };
    let mut connection = connect(target).await?;
    migrations.run_direct(None, &mut connection, false).await.map_err(failed)?;
    connection.close().await?;
    Ok(())
}

async fn connect(target: &Resolved) -> Result<AnyConnection, StoreError> {
    let mut connection = match AnyConnection::connect(&target.connect).await {
        Ok(connection) => connection,
        // 3D000: the database does not exist. Two replicas may both find it missing: one of the two
        // creations fails, and the connection decides.
        Err(sqlx::Error::Database(error)) if error.code().is_some_and(|code| code == "3D000") => {
            let created = Any::create_database(&target.connect).await;
            AnyConnection::connect(&target.connect).await.map_err(|error| created.err().unwrap_or(error))?
        }
        Err(error) => return Err(error.into()),
    };
    if target.dialect == Dialect::Sqlite {
        run_all(&mut connection, SQLITE_PRAGMAS).await?;
    }
    Ok(connection)
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
