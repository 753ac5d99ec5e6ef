//! Copies between two SQLite files: the old one is attached to the connection that writes the new one, and
//! rows go from table to table inside the engine, which changes nothing about them. What differs is listed
//! first, by `rowid`, which all of our tables have.

use std::hash::{DefaultHasher, Hasher};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, Connection, Executor, Row as _, SqlStr};

use super::copier::{Comparison, Copier, Digest};
use super::progress::Teller;
use super::tables::{MAIN, Table, quoted, rows, sql};
use crate::store::url::{Resolved, escaped};
use crate::store::writer::Writer;
use crate::store::{StoreError, migrate, pool};

/// What the old file is attached as.
const SOURCE: &str = "source";
/// Lists the rows of the new place that the old one lacks, or has otherwise.
const GONE: &str = "temp.gone";
/// Lists the rows of the old place that the new one lacks, or has otherwise.
const COMING: &str = "temp.coming";
/// How many rows are copied, or read, at once.
const PAGE: i64 = 500;
/// How much of a file is kept in memory (KiB, when negative): every row is looked up.
const CACHE: i64 = -32_768;
/// What a connection for copying is set to. Rows come table by table, and point at each other before all of
/// them are there.
pub(super) const SETTINGS: &[&str] = &["PRAGMA foreign_keys = OFF", "PRAGMA cache_size = -32768"];
/// Stands between the texts of two rows. A row that has it, too, only counts as two, at both places.
const BETWEEN_ROWS: u8 = 0x1e;

/// Both files.
pub(super) struct SqliteCopier {
    /// To the new file, with the old one attached.
    connection: AnyConnection,
    /// To the old file: both are read at the same time.
    source: AnyConnection,
    /// The line of those who write to the new file, among them perhaps other modules.
    writer: Arc<Writer>,
    /// Each with the number that it has in the lists.
    tables: Vec<(i64, Table)>,
}

impl SqliteCopier {
    /// `tables` are at both places.
    pub async fn new(
        mut connection: AnyConnection,
        source: AnyConnection,
        writer: Arc<Writer>,
        tables: Vec<Table>,
    ) -> Result<Self, StoreError> {
        for list in [GONE, COMING] {
            let create = format!("CREATE TABLE {list} (of, place, PRIMARY KEY (of, place)) WITHOUT ROWID");
            connection.execute(sql(create)).await?;
        }
        Ok(Self { connection, source, writer, tables: (0..).zip(tables).collect() })
    }

    /// Lists what differs. That takes no lock of the new file: others may write there meanwhile.
    async fn find(&mut self) -> Result<(), StoreError> {
        for list in [GONE, COMING] {
            self.connection.execute(sql(format!("DELETE FROM {list}"))).await?;
        }
        for (number, table) in &self.tables {
            let (name, same) = (table.quoted(), same(table));
            for (list, here, one, there, other) in
                [(GONE, MAIN, "t", SOURCE, "s"), (COMING, SOURCE, "s", MAIN, "t")]
            {
                let list = sql(format!(
                    "INSERT INTO {list} (of, place) SELECT $1, {one}.rowid FROM {here}.{name} AS {one} \
                     WHERE NOT EXISTS (SELECT 1 FROM {there}.{name} AS {other} WHERE {same})"
                ));
                sqlx::query(list).bind(*number).execute(&mut self.connection).await?;
            }
        }
        Ok(())
    }

    /// The page of a list that begins at place `from`: its last place, and how many there are.
    async fn page(&mut self, list: &str, number: i64, from: i64) -> Result<Option<(i64, u64)>, StoreError> {
        let statement = sql(format!(
            "SELECT MAX(place) AS last, COUNT(*) AS many FROM \
             (SELECT place FROM {list} WHERE of = $1 AND place >= $2 ORDER BY place LIMIT {PAGE})"
        ));
        let row = sqlx::query(statement).bind(number).bind(from).fetch_one(&mut self.connection).await?;
        let (last, many): (Option<i64>, i64) = (row.try_get("last")?, row.try_get("many")?);
        Ok(last.map(|last| (last, many.unsigned_abs())))
    }

    /// Runs a statement on what a list has, page by page, so that nobody else waits for long to write.
    async fn in_pages(
        &mut self,
        list: &str,
        number: i64,
        statement: SqlStr,
        done: impl Fn(u64) + Send,
    ) -> Result<(), StoreError> {
        let mut next = Some(i64::MIN);
        while let Some(from) = next {
            let Some((last, many)) = self.page(list, number, from).await? else { break };
            let turn = self.writer.turn().await?;
            let query = sqlx::query(statement.clone()).bind(number).bind(from).bind(last);
            query.execute(&mut self.connection).await?;
            drop(turn);
            done(many);
            next = last.checked_add(1);
        }
        Ok(())
    }

    async fn listed(&mut self, list: &str) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar(sql(format!("SELECT COUNT(*) FROM {list}")))
            .fetch_one(&mut self.connection)
            .await?;
        Ok(count.unsigned_abs())
    }
}

#[async_trait]
impl Copier for SqliteCopier {
    async fn rows(&mut self) -> Result<u64, StoreError> {
        let mut all = 0;
        for (_, table) in &self.tables {
            all += rows(&mut self.connection, table, Some(SOURCE)).await?;
        }
        Ok(all)
    }

    async fn approach(&mut self, teller: &Teller) -> Result<(), StoreError> {
        self.find().await?;
        let there = self.rows().await?.saturating_sub(self.listed(COMING).await?);
        teller.copied(there);
        for (number, table) in self.tables.clone() {
            self.in_pages(GONE, number, remove(&table), |_| {}).await?;
            // Rows have changed since they were listed, and may claim what others had: those come again.
            let add = add(&table, "INSERT OR REPLACE");
            self.in_pages(COMING, number, add, |many| teller.copied(many)).await?;
        }
        Ok(())
    }

    async fn equal(&mut self) -> Result<(), StoreError> {
        self.find().await?;
        let _turn = self.writer.turn().await?;
        let mut tx = self.connection.begin_with("BEGIN IMMEDIATE").await?;
        for (number, table) in &self.tables {
            // What differs goes first, so that no row that comes meets one that claims the same thing.
            for statement in [remove(table), add(table, "INSERT")] {
                let all = sqlx::query(statement).bind(*number).bind(i64::MIN).bind(i64::MAX);
                all.execute(&mut *tx).await?;
            }
            go_on_counting(&mut tx, table).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn compare(&mut self) -> Result<Vec<Comparison>, StoreError> {
        let mut comparisons = Vec::new();
        for (_, table) in &self.tables {
            let both = (digest(&mut self.source, table), digest(&mut self.connection, table));
            let (source, target) = tokio::try_join!(both.0, both.1)?;
            comparisons.push(Comparison { table: table.name.clone(), source, target });
        }
        Ok(comparisons)
    }

    async fn close(self: Box<Self>) {
        // a connection that cannot be closed in good order is gone all the same
        drop(self.source.close().await);
        drop(self.connection.close().await);
    }
}

/// Attaches the old file to a connection to the new one.
pub(super) async fn attach(connection: &mut AnyConnection, source: &Path) -> Result<(), StoreError> {
    // Only to be read: SQLite would lock an attached file, too, when a transaction is to write.
    let address = format!("file:{}?mode=ro", escaped(source));
    sqlx::query(sql(format!("ATTACH $1 AS {SOURCE}"))).bind(address).execute(&mut *connection).await?;
    connection.execute(sql(format!("PRAGMA {SOURCE}.cache_size = {CACHE}"))).await?;
    Ok(())
}

/// Makes a table of the old place at the new one as well, with its indices.
pub(super) async fn create(
    connection: &mut AnyConnection,
    writer: &Writer,
    name: &str,
) -> Result<(), StoreError> {
    let statement = sql(format!(
        "SELECT sql FROM {SOURCE}.sqlite_master WHERE tbl_name = $1 AND sql IS NOT NULL ORDER BY rowid"
    ));
    let found: Vec<String> = sqlx::query_scalar(statement).bind(name).fetch_all(&mut *connection).await?;
    let _turn = writer.turn().await?;
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    for made in found {
        tx.execute(sql(made)).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Removes a module's tables from a file that it has left, one at a time, so that nobody waits for long.
pub(super) async fn drop_tables(
    module: &str,
    at: &Resolved,
    writer: &Writer,
    tables: &[Table],
) -> Result<(), StoreError> {
    let mut connection = pool::apart(at).await?;
    connection.execute("PRAGMA foreign_keys = OFF").await?;
    for table in in_order_of_removal(module, tables) {
        let _turn: PoolConnection<Any> = writer.turn().await?;
        connection.execute(sql(format!("DROP TABLE IF EXISTS {}", table.quoted()))).await?;
    }
    connection.close().await?;
    Ok(())
}

/// The record of a module's migrations goes last. Whoever dies on the way leaves a record of tables that are
/// missing, which the next move makes anew, and no tables of which no record tells.
pub(super) fn in_order_of_removal<'a>(module: &str, tables: &'a [Table]) -> impl Iterator<Item = &'a Table> {
    let record = migrate::record_of(module);
    let (record, others): (Vec<_>, Vec<_>) = tables.iter().partition(|table| table.name == record);
    others.into_iter().chain(record)
}

/// Whether the rows `s` and `t` are the same. They are looked up by their key: the plus keeps SQLite from
/// taking an index of another column, in which many rows may have the same value.
fn same(table: &Table) -> String {
    let key_agrees = table.key.iter().map(|column| format!("t.{0} IS s.{0}", quoted(column)));
    let others = table.columns.iter().filter(|column| !table.key.contains(column));
    let others_agree = others.map(|column| format!("+t.{0} IS s.{0}", quoted(column)));
    key_agrees.chain(others_agree).collect::<Vec<_>>().join(" AND ")
}

/// Those of a list that are in the table of number $1, from place $2 up to place $3.
fn listed(list: &str) -> String {
    format!("rowid IN (SELECT place FROM {list} WHERE of = $1 AND place BETWEEN $2 AND $3)")
}

/// Removes listed rows of the new place.
fn remove(table: &Table) -> SqlStr {
    sql(format!("DELETE FROM {MAIN}.{} WHERE {}", table.quoted(), listed(GONE)))
}

/// Adds listed rows of the old place.
fn add(table: &Table, insert: &str) -> SqlStr {
    sql(format!(
        "{insert} INTO {MAIN}.{name} ({columns}) SELECT {columns} FROM {SOURCE}.{name} WHERE {listed}",
        name = table.quoted(),
        columns = table.column_list(),
        listed = listed(COMING),
    ))
}

/// Sums up a table. (The text of a row says nothing of what follows a NUL in it; `find` sees that, too.)
async fn digest(connection: &mut AnyConnection, table: &Table) -> Result<Digest, StoreError> {
    let texts: Vec<String> =
        table.columns.iter().map(|column| format!("quote({})", quoted(column))).collect();
    let statement = sql(format!(
        "SELECT MAX(place) AS last, COUNT(*) AS many, group_concat(line, char({BETWEEN_ROWS})) AS lines \
         FROM (SELECT rowid AS place, {line} AS line FROM {MAIN}.{name} \
         WHERE rowid >= $1 ORDER BY rowid LIMIT {PAGE})",
        line = texts.join(" || ',' || "),
        name = table.quoted(),
    ));
    let (mut digest, mut next) = (Digest::default(), Some(i64::MIN));
    while let Some(from) = next {
        let row = sqlx::query(statement.clone()).bind(from).fetch_one(&mut *connection).await?;
        let Some(last) = row.try_get::<Option<i64>, _>("last")? else { break };
        let (many, lines): (i64, String) = (row.try_get("many")?, row.try_get("lines")?);
        digest = digest.plus(Digest { rows: many.unsigned_abs(), sum: sum(&lines) });
        next = last.checked_add(1);
    }
    Ok(digest)
}

/// Has an AUTOINCREMENT column give no number again that was given at either place.
async fn go_on_counting(connection: &mut AnyConnection, table: &Table) -> Result<(), StoreError> {
    let counts = sql(format!("SELECT COUNT(*) FROM {SOURCE}.sqlite_master WHERE name = 'sqlite_sequence'"));
    let counts: i64 = sqlx::query_scalar(counts).fetch_one(&mut *connection).await?;
    if counts == 0 {
        return Ok(());
    }
    let given = sql(format!("SELECT MAX(seq) FROM {SOURCE}.sqlite_sequence WHERE name = $1"));
    let given: Option<i64> = sqlx::query_scalar(given).bind(&*table.name).fetch_one(&mut *connection).await?;
    let Some(given) = given else { return Ok(()) };
    let raise = sql(format!("UPDATE {MAIN}.sqlite_sequence SET seq = MAX(seq, $1) WHERE name = $2"));
    let raised = sqlx::query(raise).bind(given).bind(&*table.name).execute(&mut *connection).await?;
    if raised.rows_affected() == 0 {
        let begin = sql(format!("INSERT INTO {MAIN}.sqlite_sequence (name, seq) VALUES ($1, $2)"));
        sqlx::query(begin).bind(&*table.name).bind(given).execute(connection).await?;
    }
    Ok(())
}

/// The sum of what each row's text hashes to.
fn sum(lines: &str) -> u64 {
    let hash = |line: &[u8]| {
        let mut hasher = DefaultHasher::new();
        hasher.write(line);
        hasher.finish()
    };
    lines.as_bytes().split(|byte| *byte == BETWEEN_ROWS).map(hash).fold(0, u64::wrapping_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_rows_depends_neither_on_their_order_nor_on_their_pages() {
        let page = |lines: &[&str]| sum(&lines.join("\u{1e}"));
        assert_eq!(page(&["1,'a'", "2,'b'"]), page(&["2,'b'", "1,'a'"]));
        assert_eq!(page(&["1,'a'", "2,'b'"]), page(&["1,'a'"]).wrapping_add(page(&["2,'b'"])));
        assert_ne!(page(&["1,'a'"]), page(&["1,'b'"]));
    }
}
