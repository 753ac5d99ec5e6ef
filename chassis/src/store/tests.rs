//! Both engines: what a connection is set to, and what a failure is taken for.

use std::time::Duration;

use contracts::{Code, PortError};
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, Executor, SqlSafeStr};

use super::pool::{TRUSTED_IDLE, is_usable};
use super::*;

/// A store without tables, and its database.
async fn stores() -> Vec<(Store, testkit::Database)> {
    let mut stores = Vec::new();
    for database in testkit::databases().await {
        let url = StoreUrl::parse(&database.url).expect("an address");
        let store = Store::open(&url, "test", Migrator::with_migrations(Vec::new())).await.expect("opens");
        stores.push((store, database));
    }
    stores
}

async fn postgres_stores() -> impl Iterator<Item = (Store, testkit::Database)> {
    stores().await.into_iter().filter(|(store, _)| store.dialect() == Dialect::Postgres)
}

/// Ends the server's side of a connection, as a restart does.
async fn cut(store: &Store, connection: &mut AnyConnection) {
    let pid: i32 =
        sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(connection).await.expect("its number");
    let gone: bool = sqlx::query_scalar("SELECT pg_terminate_backend($1, 20000)")
        .bind(pid)
        .fetch_one(store.read())
        .await
        .expect("is told to end");
    assert!(gone, "it ends in time");
}

fn code(error: StoreError) -> Option<Code> {
    PortError::from(error).code()
}

#[tokio::test]
async fn a_lost_answer_to_a_commit_is_an_unknown_outcome() {
    let lost = StoreError::of_commit(sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into()));
    assert!(!lost.is_passing());
    assert_eq!(code(lost), Some(Code::OutcomeUnknown));

    for (store, _database) in postgres_stores().await {
        let mut tx = store.begin().await.expect("begins");
        cut(&store, &mut tx).await;
        let error = commit(tx).await.expect_err("nobody there");
        assert!(matches!(error, StoreError::Commit(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_commit_that_the_database_refused_did_nothing() {
    for (store, _database) in stores().await {
        let mut tx = store.begin().await.expect("begins");
        for statement in [
            "CREATE TABLE parent (id BIGINT PRIMARY KEY)",
            "CREATE TABLE child (id BIGINT REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)",
            "INSERT INTO child VALUES (1)",
        ] {
            tx.execute(statement).await.expect("runs");
        }
        let error = commit(tx).await.expect_err("no such parent");
        let definite = matches!(error, StoreError::Sql(_));
        assert!(definite, "{:?}: {error:?}", store.dialect());
    }
}

/// Whoever frees some room, or gives the database more memory, mends it: a caller may try again.
#[tokio::test]
async fn a_full_disk_and_a_lack_of_memory_may_pass() {
    for (store, _database) in stores().await {
        let failures: &[&[&'static str]] = match store.dialect() {
            // no file of it may have more pages than that
            Dialect::Sqlite => &[&[
                "PRAGMA max_page_count = 64",
                "CREATE TABLE test_blobs (bytes BLOB)",
                "INSERT INTO test_blobs VALUES (zeroblob(10000000))",
            ]],
            Dialect::Postgres => &[
                &["DO $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = '53100'; END $$"],
                &["DO $$ BEGIN RAISE EXCEPTION 'out of memory' USING ERRCODE = '53200'; END $$"],
            ],
        };
        for statements in failures {
            let mut tx = store.begin().await.expect("begins");
            let (last, first) = statements.split_last().expect("a statement");
            for statement in first {
                tx.execute(*statement).await.expect("runs");
            }
            let error = StoreError::from(tx.execute(*last).await.expect_err("no room"));
            assert!(error.is_passing(), "{error:?}");
            assert_eq!(code(error), Some(Code::Unavailable));
        }
    }
}

#[tokio::test]
async fn every_connection_to_postgres_has_its_deadlines() {
    for (store, _database) in postgres_stores().await {
        for (show, expected) in [
            ("SHOW statement_timeout", "10s"),
            ("SHOW lock_timeout", "5s"),
            ("SHOW idle_in_transaction_session_timeout", "10s"),
        ] {
            let set: String = sqlx::query_scalar(show).fetch_one(store.read()).await.expect("a setting");
            assert_eq!(set, expected, "{show}");
        }
        for (limit, wait) in [
            ("SET LOCAL statement_timeout = '50ms'", "SELECT 1 FROM pg_sleep(60)"),
            ("SET LOCAL lock_timeout = '50ms'", "SELECT 1 FROM pg_advisory_xact_lock(1)"),
        ] {
            let mut owner = store.begin().await.expect("begins");
            owner.execute("SELECT 1 FROM pg_advisory_xact_lock(1)").await.expect("locks");
            let mut tx = store.begin().await.expect("begins");
            tx.execute(limit).await.expect("sets");
            let error = StoreError::from(tx.execute(wait).await.expect_err("takes too long"));
            assert!(error.is_passing(), "{error:?}");
            assert_eq!(code(error), Some(Code::Unavailable));
        }
    }
}

#[tokio::test]
async fn a_connection_that_was_idle_for_long_must_answer_before_it_is_used() {
    for (store, _database) in postgres_stores().await {
        let mut connection = store.read().acquire().await.expect("a connection").detach();
        let long = TRUSTED_IDLE * 2;
        assert!(is_usable(&mut connection, long).await.expect("answers"));
        cut(&store, &mut connection).await;
        assert!(is_usable(&mut connection, Duration::ZERO).await.expect("is not asked"));
        is_usable(&mut connection, long).await.expect_err("is gone");
    }
}

/// What a version of a module brings, oldest first.
fn bringing(statements: &[&'static str]) -> Migrator {
    let migration = |(number, sql): (i64, &&'static str)| {
        Migration::new(number, "tables".into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations((1..).zip(statements).map(migration).collect())
}

#[tokio::test]
async fn an_older_version_starts_on_the_tables_of_a_newer_one_and_none_on_those_of_an_edited_migration() {
    const FIRST: &str = "CREATE TABLE test_parts (id BIGINT PRIMARY KEY)";
    const SECOND: &str = "ALTER TABLE test_parts ADD COLUMN name TEXT";
    const EDITED: &str = "CREATE TABLE test_parts (id BIGINT PRIMARY KEY, name TEXT)";
    for database in testkit::databases().await {
        let url = StoreUrl::parse(&database.url).expect("an address");
        for statements in [[FIRST, SECOND].as_slice(), [FIRST].as_slice(), [FIRST, SECOND].as_slice()] {
            let store = Store::open(&url, "test", bringing(statements)).await.expect("starts");
            let mut tx = store.begin().await.expect("begins");
            tx.execute("DELETE FROM test_parts").await.expect("the table is there");
            tx.execute("INSERT INTO test_parts (id) VALUES (1)").await.expect("writes");
            commit(tx).await.expect("commits");
        }
        let edited = Store::open(&url, "test", bringing(&[EDITED])).await.expect_err("not what was run");
        let is_named =
            matches!(&edited, StoreError::Migrate { source: MigrateError::VersionMismatch(1), .. });
        assert!(is_named, "{edited:?}");
    }
}
