//! Copies between two PostgreSQL databases. No statement sees both, so rows pass through here as JSON,
//! which PostgreSQL writes and reads itself, column by column, in the types of the table.
//!
//! What differs is found without fetching rows: each side sums its rows up in buckets, by the hash of their
//! key. Only buckets whose sums differ are copied, whole.

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures::TryStreamExt as _;
use sqlx::{AnyConnection, Connection, Executor, Row as _};

use super::copier::{Comparison, Copier, Digest};
use super::progress::Teller;
use super::tables::{Table, rows, sql};
use crate::store::url::Resolved;
use crate::store::{StoreError, pool};

/// How many rows a bucket has, on average, in a large table.
const ROWS_A_BUCKET: u64 = 16;
/// Most buckets that a table is divided into.
const MOST_BUCKETS: u64 = 1 << 14;
/// How many bytes of rows are sent at once, if one row is not longer.
const BATCH: usize = 1 << 20;

/// The buckets that $1 names, a JSON list. (sqlx's `Any` driver has no lists.)
const CHOSEN: &str = "(SELECT value::BIGINT FROM json_array_elements_text(CAST($1 AS JSON)))";

/// What a connection for copying is set to: how values are written as text, the same on both sides, whatever a database is set to.
pub(super) const SETTINGS: &[&str] = &[
    "SET TimeZone = 'UTC'",
    "SET DateStyle = 'ISO'",
    "SET IntervalStyle = 'postgres'",
    "SET bytea_output = 'hex'",
    "SET extra_float_digits = 1",
];

/// Both databases.
pub(super) struct PostgresCopier {
    source: AnyConnection,
    target: AnyConnection,
    /// Each with the number of buckets that it is divided into.
    tables: Vec<(Table, u64)>,
}

/// A table, summed up by bucket.
type Buckets = BTreeMap<i64, Digest>;

impl PostgresCopier {
    /// `tables` are at both places. The foreign keys of those at the new one are checked at a commit from
    /// now on, where whoever commits asks for that: rows come table by table, and point at each other
    /// before all of them are there.
    pub async fn new(
        mut source: AnyConnection,
        mut target: AnyConnection,
        tables: Vec<Table>,
    ) -> Result<Self, StoreError> {
        let mut divided = Vec::new();
        for table in tables {
            defer_foreign_keys(&mut target, &table).await?;
            let buckets = rows(&mut source, &table, None).await? / ROWS_A_BUCKET;
            divided.push((table, buckets.next_power_of_two().min(MOST_BUCKETS)));
        }
        Ok(Self { source, target, tables: divided })
    }

    /// Copies every bucket that differs, as the old place is at one moment, in one transaction.
    async fn copy(&mut self, teller: Option<&Teller>) -> Result<(), StoreError> {
        let mut from = self.source.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let mut to = self.target.begin().await?;
        to.execute("SET CONSTRAINTS ALL DEFERRED").await?;
        let mut filled = Vec::new();
        for (table, divided) in &self.tables {
            let (wanted, there) =
                tokio::try_join!(digest(&mut from, table, *divided), digest(&mut to, table, *divided))?;
            let all = wanted.keys().chain(there.keys());
            let mut chosen: Vec<i64> =
                all.filter(|bucket| wanted.get(bucket) != there.get(bucket)).copied().collect();
            chosen.sort_unstable();
            chosen.dedup();
            let equal = wanted.iter().filter(|(bucket, _)| chosen.binary_search(bucket).is_err());
            if let Some(teller) = teller {
                teller.copied(equal.map(|(_, digest)| digest.rows).sum());
            }
            if !chosen.is_empty() {
                replace(&mut from, &mut to, table, *divided, &chosen, teller).await?;
            }
            if chosen.len() > wanted.len() / 2 {
                filled.push(table);
            }
        }
        to.commit().await?;
        from.commit().await?;
        for table in filled {
            // or the first questions at the new place would be answered as if its tables were empty
            self.target.execute(sql(format!("ANALYZE {}", table.quoted()))).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Copier for PostgresCopier {
    async fn rows(&mut self) -> Result<u64, StoreError> {
        let mut all = 0;
        for (table, _) in &self.tables {
            all += rows(&mut self.source, table, None).await?;
        }
        Ok(all)
    }

    async fn approach(&mut self, teller: &Teller) -> Result<(), StoreError> {
        self.copy(Some(teller)).await
    }

    async fn equal(&mut self) -> Result<(), StoreError> {
        self.copy(None).await?;
        for (table, _) in &self.tables {
            go_on_counting(&mut self.source, &mut self.target, table).await?;
        }
        Ok(())
    }

    async fn compare(&mut self) -> Result<Vec<Comparison>, StoreError> {
        let mut comparisons = Vec::new();
        for (table, divided) in &self.tables {
            let (source, target) = tokio::try_join!(
                digest(&mut self.source, table, *divided),
                digest(&mut self.target, table, *divided),
            )?;
            let sum = |buckets: Buckets| buckets.into_values().fold(Digest::default(), Digest::plus);
            comparisons.push(Comparison {
                table: table.name.clone(),
                source: sum(source),
                target: sum(target),
            });
        }
        Ok(comparisons)
    }

    async fn close(self: Box<Self>) {
        // a connection that cannot be closed in good order is gone all the same
        drop(self.source.close().await);
        drop(self.target.close().await);
    }
}

/// Removes a module's tables from a database that it has left.
pub(super) async fn drop_tables(at: &Resolved, tables: &[Table]) -> Result<(), StoreError> {
    let mut connection = pool::apart(at).await?;
    // somebody may be looking at them
    connection.execute("SET lock_timeout = '5s'").await?;
    let names: Vec<String> = tables.iter().map(Table::quoted).collect();
    if !names.is_empty() {
        connection.execute(sql(format!("DROP TABLE IF EXISTS {}", names.join(", ")))).await?;
    }
    connection.close().await?;
    Ok(())
}

/// Which bucket a row is in.
fn bucket(table: &Table, divided: u64) -> String {
    format!("(hashtextextended(ROW({})::TEXT, 0) & {})", table.key_list(), divided - 1)
}

async fn digest(connection: &mut AnyConnection, table: &Table, divided: u64) -> Result<Buckets, StoreError> {
    let statement = sql(format!(
        "SELECT {bucket} AS bucket, COUNT(*) AS many, \
         SUM(hashtextextended(ROW({columns})::TEXT, 0))::TEXT AS sum FROM {name} GROUP BY 1",
        bucket = bucket(table, divided),
        columns = table.column_list(),
        name = table.quoted(),
    ));
    let mut buckets = Buckets::new();
    for row in sqlx::query(statement).fetch_all(connection).await? {
        let (many, sum): (i64, String) = (row.try_get("many")?, row.try_get("sum")?);
        let sum: i128 = sum.parse().map_err(|_| StoreError::corrupt("sum", &sum))?;
        // the low 64 bits, in which sums of sums come out the same
        let digest = Digest { rows: many.unsigned_abs(), sum: sum as u64 };
        buckets.insert(row.try_get("bucket")?, digest);
    }
    Ok(buckets)
}

/// Puts the old place's rows of some buckets in the place of the new one's. All of those go first, so that
/// no row that comes meets one that claims the same thing.
async fn replace(
    from: &mut AnyConnection,
    to: &mut AnyConnection,
    table: &Table,
    divided: u64,
    buckets: &[i64],
    teller: Option<&Teller>,
) -> Result<(), StoreError> {
    let (name, columns) = (table.quoted(), table.column_list());
    let chosen = format!("{} IN {CHOSEN}", bucket(table, divided));
    let buckets = format!("{buckets:?}");
    let remove = sql(format!("DELETE FROM {name} WHERE {chosen}"));
    sqlx::query(remove).bind(&*buckets).execute(&mut *to).await?;

    let fetch =
        sql(format!("SELECT row_to_json(r)::TEXT FROM (SELECT {columns} FROM {name} WHERE {chosen}) AS r"));
    let insert = sql(format!(
        "INSERT INTO {name} ({columns}) OVERRIDING SYSTEM VALUE \
         SELECT {columns} FROM json_populate_recordset(NULL::{name}, CAST($1 AS JSON))"
    ));
    let mut found = sqlx::query_scalar::<_, String>(fetch).bind(&*buckets).fetch(from);
    let mut over = false;
    while !over {
        let (mut batch, mut many) = (String::from("["), 0);
        while batch.len() < BATCH {
            let Some(row) = found.try_next().await? else {
                over = true;
                break;
            };
            if many > 0 {
                batch.push(',');
            }
            batch.push_str(&row);
            many += 1;
        }
        batch.push(']');
        sqlx::query(insert.clone()).bind(batch).execute(&mut *to).await?;
        if let Some(teller) = teller {
            teller.copied(many);
        }
    }
    Ok(())
}

async fn defer_foreign_keys(connection: &mut AnyConnection, table: &Table) -> Result<(), StoreError> {
    let statement = "SELECT quote_ident(conname) FROM pg_constraint \
         WHERE conrelid = CAST($1 AS regclass) AND contype = 'f' AND NOT condeferrable";
    let keys: Vec<String> =
        sqlx::query_scalar(statement).bind(table.quoted()).fetch_all(&mut *connection).await?;
    for key in keys {
        let defer = format!("ALTER TABLE {} ALTER CONSTRAINT {key} DEFERRABLE", table.quoted());
        connection.execute(sql(defer)).await?;
    }
    Ok(())
}

/// Has an IDENTITY column give no number again that was given at either place.
async fn go_on_counting(
    source: &mut AnyConnection,
    target: &mut AnyConnection,
    table: &Table,
) -> Result<(), StoreError> {
    for column in &table.columns {
        let sequence = "SELECT pg_get_serial_sequence($1, $2)";
        let find = |text: &'static str| sqlx::query_scalar(text).bind(table.quoted()).bind(&**column);
        let from: Option<String> = find(sequence).fetch_one(&mut *source).await?;
        let to: Option<String> = find(sequence).fetch_one(&mut *target).await?;
        let (Some(from), Some(to)) = (from, to) else { continue };
        let given = |sequence: &str| sql(format!("SELECT last_value FROM {sequence} WHERE is_called"));
        let wanted: Option<i64> = sqlx::query_scalar(given(&from)).fetch_optional(&mut *source).await?;
        let there: Option<i64> = sqlx::query_scalar(given(&to)).fetch_optional(&mut *target).await?;
        if let Some(wanted) = wanted.filter(|wanted| there.is_none_or(|there| there < *wanted)) {
            let set: &'static str = "SELECT setval(CAST($1 AS regclass), $2)";
            sqlx::query(set).bind(to).bind(wanted).execute(&mut *target).await?;
        }
    }
    Ok(())
}
