//! The mailbox's tables: made by migrations of its own, with a history of its own, beside those of the
//! module.

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, Executor, SqlSafeStr};

use crate::store::{Dialect, Store, StoreError, commit};

/// Every change of the tables, oldest first. One that was released is never edited: another follows it.
/// `{module}` is the module's name, `{position}` a number that the engine gives to each row.
const MIGRATIONS: &[(&str, &str)] = &[(
    "outbox, inbox, relay",
    "
CREATE TABLE {module}_outbox (
    position {position},
    id TEXT NOT NULL UNIQUE,
    exchange TEXT NOT NULL,
    routing_key TEXT NOT NULL,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    subject TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    coordination TEXT NOT NULL,
    said_at BIGINT NOT NULL,
    traceparent TEXT NOT NULL,
    tracestate TEXT,
    data TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    published_at BIGINT
);
-- as small as what waits, however many rows were published
CREATE INDEX {module}_outbox_waiting ON {module}_outbox (position) WHERE published_at IS NULL;
CREATE TABLE {module}_inbox (
    position {position},
    queue TEXT NOT NULL,
    id TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    UNIQUE (queue, id)
);
-- one row: who relays, and until when
CREATE TABLE {module}_relay (
    name TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    lapses_at BIGINT NOT NULL
);
",
)];

/// Makes others wait who open the same mailbox, until the commit. On SQLite the transaction itself does.
/// The usual deadlines do not hold for migrations.
const POSTGRES_LOCK: &[&str] = &[
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL lock_timeout = '60s'",
    "SELECT 1 FROM pg_advisory_xact_lock(8386112020297315432)",
];

/// Brings the tables of a module's mailbox up to date, all or nothing.
pub(super) async fn bring_up_to_date(store: &Store, module: &str) -> Result<(), StoreError> {
    let failed = |source| StoreError::Migrate { module: format!("the mailbox of {module}"), source };
    let mut migrator = Migrator::with_migrations(migrations(store.dialect(), module));
    migrator.dangerous_set_table_name(format!("{}_mailbox_migrations", prefix(module)));
    // sqlx's own lock is let go of before our commit
    migrator.set_locking(false);
    let mut tx = store.begin().await?;
    if store.dialect() == Dialect::Postgres {
        for statement in POSTGRES_LOCK {
            tx.execute(*statement).await?;
        }
    }
    migrator.run_direct(None, &mut *tx, false).await.map_err(failed)?;
    commit(tx).await
}

/// What the names of a module's tables begin with.
pub(super) fn prefix(module: &str) -> String {
    module.replace('-', "_")
}

fn migrations(dialect: Dialect, module: &str) -> Vec<Migration> {
    let position = match dialect {
        // AUTOINCREMENT: no number is given twice, even when the newest rows were deleted
        Dialect::Sqlite => "INTEGER PRIMARY KEY AUTOINCREMENT",
        Dialect::Postgres => "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    };
    let migration = |(number, (description, sql)): (i64, &(&'static str, &str))| {
        let sql = sql.replace("{module}", &prefix(module)).replace("{position}", position);
        // safe: module names are words in our own code
        let sql = AssertSqlSafe(sql).into_sql_str();
        Migration::new(number, (*description).into(), MigrationType::Simple, sql, false)
    };
    (1..).zip(MIGRATIONS).map(migration).collect()
}
