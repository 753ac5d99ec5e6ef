//! Makes a module's tables at the place where they are to go.

use std::time::Duration;

use sqlx::AnyConnection;
use sqlx::migrate::Migrator;

use super::Mover;
use super::copier::Copier;
use super::error::MoveError;
use super::postgres::{self, PostgresCopier};
use super::sqlite::{self, SqliteCopier};
use super::tables::{MAIN, Table, of_module};
use crate::messaging::bring_along;
use crate::store::hold::Place;
use crate::store::url::Resolved;
use crate::store::{Dialect, Store, StoreError, pool};

/// Two places, ready for copying.
pub(super) struct Prepared {
    pub copier: Box<dyn Copier>,
    /// Where the module will go on.
    pub place: Place,
    /// What is to be copied.
    pub tables: Vec<Table>,
}

/// Opens the new place, makes all tables there, and connects to both.
pub(super) async fn prepare(
    mover: &Mover,
    source: &Resolved,
    target: &Resolved,
) -> Result<Prepared, MoveError> {
    let migrations = Migrator::with_migrations(mover.migrations.clone());
    // whoever asked for the move is told at once that a server is away
    let there = Store::at(target, &mover.module, migrations, Duration::ZERO).await?;
    let place = Place::of(&mover.store, target)?;
    let mut from = connect(source).await?;
    let tables = of_module(&mut from, source.dialect, MAIN, &mover.module).await?;
    bring_messages(&there, &mover.module, &tables).await?;
    // its own connections are not the ones that the module goes on with
    there.read().close().await;
    let mut to = connect(target).await?;
    let mut known = of_module(&mut to, target.dialect, MAIN, &mover.module).await?;
    let copier: Box<dyn Copier> = match &source.file {
        Some(file) => {
            sqlite::attach(&mut to, file).await?;
            let unknown: Vec<Table> = missing(&tables, &known).into_iter().cloned().collect();
            for table in unknown {
                sqlite::create(&mut to, place.writer(), &table.name).await?;
                known.push(table);
            }
            check(&tables, &known)?;
            Box::new(SqliteCopier::new(to, from, place.writer().clone(), tables.clone()).await?)
        }
        None => {
            check(&tables, &known)?;
            Box::new(PostgresCopier::new(from, to, tables.clone()).await?)
        }
    };
    Ok(Prepared { copier, place, tables })
}

async fn connect(place: &Resolved) -> Result<AnyConnection, StoreError> {
    let mut connection = pool::apart(place).await?;
    let settings = match place.dialect {
        Dialect::Sqlite => sqlite::SETTINGS,
        Dialect::Postgres => postgres::SETTINGS,
    };
    pool::run_all(&mut connection, settings).await?;
    Ok(connection)
}

/// Makes the tables of the module's messages, if it has any. They are moved even where this process carries no
/// messages, and does not open them.
async fn bring_messages(there: &Store, module: &str, tables: &[Table]) -> Result<(), StoreError> {
    bring_along(there, module, |name| tables.iter().any(|table| table.name == name)).await
}

/// The tables that are not at the new place.
fn missing<'a>(source: &'a [Table], target: &[Table]) -> Vec<&'a Table> {
    source.iter().filter(|table| target.iter().all(|there| there.name != table.name)).collect()
}

/// Whether every table can be copied.
fn check(source: &[Table], target: &[Table]) -> Result<(), MoveError> {
    let refuse = |tables: Vec<&Table>, reason| {
        if tables.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
        Err(MoveError::Tables { tables: names.join(", "), reason })
    };
    refuse(missing(source, target), "no migration makes them")?;
    let other = |table: &&Table| !target.iter().any(|there| there.name == table.name && there.is_like(table));
    refuse(source.iter().filter(other).collect(), "they have other columns there")?;
    let without_key = source.iter().filter(|table| table.key.is_empty());
    refuse(without_key.collect(), "without a primary key their rows cannot be told apart")
}
