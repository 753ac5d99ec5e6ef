//! What the statements of messages have in common: the module's name in them, and words that the engines say
//! differently.

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use crate::store::{Dialect, StoreError, prefix};

/// A statement, with the module's name where it says `{module}`.
pub(super) fn statement(module: &str, text: &str) -> SqlStr {
    // safe: module names are words in our own code
    AssertSqlSafe(text.replace("{module}", &prefix(module))).into_sql_str()
}

/// A list as a parameter: in JSON, since sqlx's `Any` driver has no lists.
pub(super) fn json<T: serde::Serialize>(list: &[T]) -> Result<String, StoreError> {
    serde_json::to_string(list).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// What the engines say differently.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words(pub(super) Dialect);

impl Words {
    /// This moment by the database's clock, in microseconds.
    pub(super) fn now(self) -> &'static str {
        match self.0 {
            Dialect::Sqlite => "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
            Dialect::Postgres => "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)",
        }
    }

    /// The texts in a parameter that is a list.
    pub(super) fn texts(self, parameter: u8) -> String {
        match self.0 {
            Dialect::Sqlite => format!("SELECT value FROM json_each(${parameter})"),
            Dialect::Postgres => {
                format!("SELECT value FROM json_array_elements_text(CAST(${parameter} AS JSON))")
            }
        }
    }

    /// The numbers in a parameter that is a list.
    pub(super) fn numbers(self, parameter: u8) -> String {
        match self.0 {
            Dialect::Sqlite => self.texts(parameter),
            Dialect::Postgres => format!(
                "SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST(${parameter} AS JSON))"
            ),
        }
    }

    /// A table of the objects in a parameter that is a list: each is a `value`, and its `key` its place.
    pub(super) fn objects(self, parameter: u8) -> String {
        match self.0 {
            Dialect::Sqlite => format!("json_each(${parameter})"),
            Dialect::Postgres => format!(
                "json_array_elements(CAST(${parameter} AS JSON)) WITH ORDINALITY AS objects (value, key)"
            ),
        }
    }
}
