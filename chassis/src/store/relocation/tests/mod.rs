//! Moves on both engines: under load, beside other modules, killed at each stage.

mod beside;
mod crashes;
mod load;
mod odd_values;
mod refusals;
mod rest;
mod stale;

use std::time::Duration;

use sqlx::migrate::MigrationType;
use sqlx::{AnyConnection, Connection};
use tempfile::TempDir;

use self::load::Load;
use super::abort::Stage;
use super::tables::{MAIN, of_module, sql};
use super::*;
use crate::messaging::bring_along;
use crate::store::{commit, pool};

/// For how long a test lets callers wait: a slow machine is no failure, and nobody here gives up sooner.
const PATIENCE: Duration = Duration::from_secs(4);

/// What a move could do wrong: rows that point at others, that are unique among each other, and that have
/// more than one column as their key.
const TABLES: &str = "
CREATE TABLE {module}_items (id TEXT NOT NULL PRIMARY KEY, n BIGINT NOT NULL, note TEXT);
CREATE INDEX {module}_items_by_n ON {module}_items (n);
CREATE TABLE {module}_lines (
    line BIGINT NOT NULL,
    item TEXT NOT NULL REFERENCES {module}_items (id),
    PRIMARY KEY (item, line)
);
CREATE TABLE {module}_roles (id BIGINT NOT NULL PRIMARY KEY, role TEXT NOT NULL);
CREATE UNIQUE INDEX {module}_roles_once ON {module}_roles (role) WHERE role <> 'retired';
CREATE TABLE {module}_odd (id BIGINT NOT NULL PRIMARY KEY, words TEXT, bytes {bytes}, number BIGINT,
    share DOUBLE PRECISION);
";

/// The databases of a shop on one engine, and its data folder.
struct Shop {
    name: &'static str,
    url: StoreUrl,
    data: TempDir,
    _database: testkit::Database,
}

/// A shop on each engine.
async fn shops() -> Vec<Shop> {
    sqlx::any::install_default_drivers();
    let shop = |database: testkit::Database| {
        let address = match database.name {
            "postgres" => format!("{}_{{module}}", database.url),
            _ => database.url.clone(),
        };
        let url = StoreUrl::parse(&address).expect("an address");
        Shop { name: database.name, url, data: tempfile::tempdir().expect("a folder"), _database: database }
    };
    testkit::databases().await.into_iter().map(shop).collect()
}

impl Shop {
    /// A module's store, where its data is; its own database at first.
    async fn open(&self, module: &str) -> Arc<Mover> {
        open_at(&self.url, self.data.path(), module, AbortAt::default()).await
    }

    /// A connection past the module's store.
    async fn look(&self, module: &str, placement: Placement) -> AnyConnection {
        let target = self.url.for_module(module, placement).expect("resolves");
        pool::apart(&target).await.expect("connects")
    }

    /// The module's tables in a database, by name; none where there is no database.
    async fn tables_at(&self, module: &str, placement: Placement) -> Vec<String> {
        let target = self.url.for_module(module, placement).expect("resolves");
        if target.file.as_ref().is_some_and(|file| !file.exists()) {
            return Vec::new();
        }
        let mut connection = self.look(module, placement).await;
        let tables = of_module(&mut connection, target.dialect, MAIN, module).await.expect("describes them");
        connection.close().await.expect("closes");
        tables.into_iter().map(|table| table.name).collect()
    }

    fn target(&self, module: &str, placement: Placement) -> Resolved {
        self.url.for_module(module, placement).expect("resolves")
    }
}

async fn open_at(url: &StoreUrl, data: &std::path::Path, module: &str, abort_at: AbortAt) -> Arc<Mover> {
    let bytes = if url.as_str().starts_with("sqlite:") { "BLOB" } else { "BYTEA" };
    let text = TABLES.replace("{module}", module).replace("{bytes}", bytes);
    let first = Migration::new(1, "tables".into(), MigrationType::Simple, sql(text), false);
    let migrations = Migrator::with_migrations(vec![first]);
    let placements = Placements::kept_in(data);
    let mover = Mover::open(module, &migrations, url, &placements, Placement::Own, &abort_at, Duration::ZERO);
    Arc::new(mover.await.expect("opens"))
}

impl Mover {
    async fn moved(self: &Arc<Self>, to: Placement) -> Report {
        let report = self.relocate(to, PATIENCE).await.expect("moves");
        assert_eq!((report.outcome, report.to), (Outcome::Moved, to), "{report:?}");
        report
    }

    /// Runs one statement in a transaction of its own.
    async fn change(&self, statement: &str) {
        let mut tx = self.store().begin().await.expect("begins");
        sqlx::query(sql(statement.to_owned())).execute(&mut *tx).await.expect(statement);
        commit(tx).await.expect("commits");
    }

    async fn number(&self, statement: &str) -> i64 {
        sqlx::query_scalar(sql(statement.to_owned())).fetch_one(self.store().read()).await.expect(statement)
    }
}
