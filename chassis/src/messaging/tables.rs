//! The tables that messages need beside a module's own: made by migrations of theirs, with a history of theirs.

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, Executor, SqlSafeStr};

use crate::store::{Dialect, Store, StoreError, commit, prefix};

/// Tables that are made together.
pub(super) struct Tables {
    /// What they are, for people.
    what: &'static str,
    /// What the name of their history ends with.
    history: &'static str,
    /// Every change of them, oldest first. One that was released is never edited: another follows it.
    /// `{module}` is the module's name, `{position}` a number that the engine gives to each row.
    migrations: &'static [(&'static str, &'static str)],
}

/// What a module says and hears.
pub(super) const MAILBOX: Tables = Tables {
    what: "mailbox",
    history: "mailbox_migrations",
    migrations: &[
        (
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
        ),
        (
            "arrivals",
            "
-- what came for the module and is not dealt with: only where no broker keeps it
CREATE TABLE {module}_arrivals (
    position {position},
    queue TEXT NOT NULL,
    id TEXT NOT NULL,
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
    -- what is no message of ours, as it came
    raw TEXT,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    cause TEXT,
    died_at BIGINT,
    UNIQUE (queue, id)
);
CREATE INDEX {module}_arrivals_waiting ON {module}_arrivals (queue, position) WHERE state = 'waiting';
CREATE INDEX {module}_arrivals_dead ON {module}_arrivals (queue, position) WHERE state = 'dead';
-- queues that somebody consumes, or died while doing so
CREATE TABLE {module}_consuming (
    queue TEXT PRIMARY KEY
);
",
        ),
    ],
};

/// Every event that was ever said.
pub(super) const EVENT_LOG: Tables = Tables {
    what: "event log",
    history: "event_log_migrations",
    migrations: &[(
        "event log",
        "
CREATE TABLE {module}_event_log (
    log_offset BIGINT PRIMARY KEY,
    id TEXT NOT NULL,
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
    -- what is no message of ours, as it came
    raw TEXT
);
-- not unique: what came from a broker's stream may be there twice, as it was in the stream
CREATE INDEX {module}_event_log_id ON {module}_event_log (id);
",
    )],
};

/// Makes others wait who open the same tables, until the commit. On SQLite the transaction itself does.
/// The usual deadlines do not hold for migrations.
const POSTGRES_LOCK: &[&str] = &[
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL lock_timeout = '60s'",
    "SELECT 1 FROM pg_advisory_xact_lock(8386112020297315432)",
];

/// Brings up to date, in another database, those tables of a module's messages that it has where its tables are now:
/// `has` tells whether there is a table of that name.
pub(crate) async fn bring_along(
    store: &Store,
    module: &str,
    has: impl Fn(&str) -> bool,
) -> Result<(), StoreError> {
    for tables in [&MAILBOX, &EVENT_LOG] {
        if has(&tables.history_of(module)) {
            tables.bring_up_to_date(store, module).await?;
        }
    }
    Ok(())
}

impl Tables {
    /// Brings those of a module up to date, all or nothing.
    pub(super) async fn bring_up_to_date(&self, store: &Store, module: &str) -> Result<(), StoreError> {
        let failed =
            |source| StoreError::Migrate { module: format!("the {} of {module}", self.what), source };
        let mut migrator = Migrator::with_migrations(self.migrations(store.dialect(), module));
        migrator.dangerous_set_table_name(self.history_of(module));
        // what a newer version has added is left to it, as it is with a module's own tables
        migrator.set_ignore_missing(true);
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

    fn history_of(&self, module: &str) -> String {
        format!("{}_{}", prefix(module), self.history)
    }

    fn migrations(&self, dialect: Dialect, module: &str) -> Vec<Migration> {
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
        (1..).zip(self.migrations).map(migration).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_older_version_uses_stays_as_it_is() {
        for tables in [&MAILBOX, &EVENT_LOG] {
            for (description, sql) in tables.migrations {
                assert_eq!(testkit::contractions(sql), [""; 0], "{}: {description}", tables.what);
            }
        }
    }
}
