//! A module's tables as the database itself describes them, and the SQL that is made of their names.

use sqlx::{AnyConnection, AssertSqlSafe, Row as _, SqlSafeStr, SqlStr};

use crate::store::url::prefix;
use crate::store::{Dialect, StoreError};

/// One table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct Table {
    pub name: String,
    /// Every column that a row can be written with, in the table's order.
    pub columns: Vec<String>,
    /// The columns of its primary key.
    pub key: Vec<String>,
}

/// Where SQLite looks for a table: the file that was opened, or one that was attached to it.
pub(in crate::store) const MAIN: &str = "main";

/// One row a column, with its place in the primary key. `{schema}` is the name that a file is attached
/// under.
const SQLITE: &str = "SELECT m.name AS table_name, c.name AS column_name, CAST(c.pk AS INTEGER) AS place \
     FROM {schema}.sqlite_master AS m, pragma_table_info(m.name, '{schema}') AS c \
     WHERE m.type = 'table' AND substr(m.name, 1, length($1)) = $1 ORDER BY m.name, c.cid";

/// The same. A key's place is counted from 1 here, too, and columns that the engine computes are left out.
const POSTGRES: &str = "SELECT t.relname::TEXT AS table_name, c.attname::TEXT AS column_name, \
     COALESCE(array_position(string_to_array(k.indkey::TEXT, ' '), c.attnum::TEXT), 0)::BIGINT AS place \
     FROM pg_class AS t JOIN pg_namespace AS n ON n.oid = t.relnamespace \
     JOIN pg_attribute AS c ON c.attrelid = t.oid \
     LEFT JOIN pg_index AS k ON k.indrelid = t.oid AND k.indisprimary \
     WHERE t.relkind = 'r' AND n.nspname = current_schema() AND starts_with(t.relname::TEXT, $1) \
     AND c.attnum > 0 AND NOT c.attisdropped AND c.attgenerated = '' \
     ORDER BY t.relname, c.attnum";

/// The tables of `module`, by name: all whose name begins with the module's. (No module's name is the
/// beginning of another's, up to an underscore.) `schema` matters on SQLite only.
pub(in crate::store) async fn of_module(
    connection: &mut AnyConnection,
    dialect: Dialect,
    schema: &str,
    module: &str,
) -> Result<Vec<Table>, StoreError> {
    let statement = match dialect {
        Dialect::Sqlite => sql(SQLITE.replace("{schema}", schema)),
        Dialect::Postgres => POSTGRES.into_sql_str(),
    };
    let rows = sqlx::query(statement).bind(format!("{}_", prefix(module))).fetch_all(connection).await?;
    let mut tables: Vec<(Table, Vec<(i64, String)>)> = Vec::new();
    for row in rows {
        let (name, column, place): (String, String, i64) =
            (row.try_get("table_name")?, row.try_get("column_name")?, row.try_get("place")?);
        if tables.last().is_none_or(|(last, _)| last.name != name) {
            tables.push((Table { name, columns: Vec::new(), key: Vec::new() }, Vec::new()));
        }
        if let Some((table, key)) = tables.last_mut() {
            if place > 0 {
                key.push((place, column.clone()));
            }
            table.columns.push(column);
        }
    }
    Ok(tables.into_iter().map(|(table, key)| table.with_key(key)).collect())
}

/// How many rows a table has.
pub(in crate::store) async fn rows(
    connection: &mut AnyConnection,
    table: &Table,
    schema: Option<&str>,
) -> Result<u64, StoreError> {
    let schema = schema.map(|schema| format!("{schema}.")).unwrap_or_default();
    let statement = sql(format!("SELECT COUNT(*) FROM {schema}{}", table.quoted()));
    let rows: i64 = sqlx::query_scalar(statement).fetch_one(connection).await?;
    Ok(rows.unsigned_abs())
}

impl Table {
    fn with_key(mut self, mut key: Vec<(i64, String)>) -> Self {
        key.sort();
        self.key = key.into_iter().map(|(_, column)| column).collect();
        self
    }

    /// Its name in a statement.
    pub fn quoted(&self) -> String {
        quoted(&self.name)
    }

    /// Its columns in a statement, in one order wherever the table is.
    pub fn column_list(&self) -> String {
        list(&self.columns)
    }

    /// Its key in a statement.
    pub fn key_list(&self) -> String {
        list(&self.key)
    }

    /// Whether two tables can have the same rows: their columns may stand in another order.
    pub fn is_like(&self, other: &Self) -> bool {
        let sorted = |columns: &[String]| {
            let mut columns = columns.to_vec();
            columns.sort();
            columns
        };
        self.key == other.key && sorted(&self.columns) == sorted(&other.columns)
    }
}

fn list(columns: &[String]) -> String {
    columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ")
}

/// A name as it stands in a statement, whatever it is made of.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A statement that is made of names of tables and columns, which come from our own migrations and are
/// quoted.
pub(in crate::store) fn sql(text: String) -> SqlStr {
    AssertSqlSafe(text).into_sql_str()
}

#[cfg(test)]
mod tests {
    use sqlx::{Connection, Executor};

    use super::*;
    use crate::store::StoreUrl;
    use crate::store::placement::Placement;
    use crate::store::pool;

    #[tokio::test]
    async fn a_module_has_the_tables_that_begin_with_its_name_and_an_underscore() {
        sqlx::any::install_default_drivers();
        for database in testkit::databases().await {
            let url = StoreUrl::parse(&database.url).expect("an address");
            let store =
                crate::store::Store::open(&url, "parts", sqlx::migrate::Migrator::with_migrations(vec![]));
            let store = store.await.expect("opens");
            for statement in [
                "CREATE TABLE parts_a (b BIGINT, \"sel\"\"ect\" TEXT, a TEXT, PRIMARY KEY (a, b))",
                "CREATE TABLE partsx_a (id BIGINT PRIMARY KEY)",
                "CREATE TABLE parts (id BIGINT PRIMARY KEY)",
                "CREATE TABLE other_parts_a (id BIGINT PRIMARY KEY)",
            ] {
                let mut tx = store.begin().await.expect("begins");
                tx.execute(statement).await.expect("creates");
                tx.commit().await.expect("commits");
            }
            let target = url.for_module("parts", Placement::Own).expect("resolves");
            let mut connection = pool::apart(&target).await.expect("connects");
            let tables =
                of_module(&mut connection, store.dialect(), MAIN, "parts").await.expect("describes them");
            let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
            assert_eq!(names, ["parts_a", "parts_migrations"], "on {}", database.name);
            assert_eq!(tables[0].columns, ["b", "sel\"ect", "a"]);
            assert_eq!(tables[0].key, ["a", "b"]);
            assert_eq!(rows(&mut connection, &tables[0], None).await.expect("counts"), 0);
            connection.close().await.expect("closes");
        }
    }
}
