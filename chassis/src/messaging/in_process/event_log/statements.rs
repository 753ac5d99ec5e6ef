//! Every statement on the event log, with the module's name in it.

use sqlx::SqlStr;

use crate::messaging::sql::{Words, statement};
use crate::messaging::stored::{names, number, values};
use crate::store::Dialect;

/// The texts, built once. Parameters are named in their order.
pub(super) struct Statements {
    /// Lets one after the other append, where the engine does not by itself.
    pub lock: Option<SqlStr>,
    /// events (a JSON list)
    pub append: SqlStr,
    /// entries (a JSON list)
    pub adopt: SqlStr,
    /// first, limit
    pub read: SqlStr,
    pub last: SqlStr,
}

impl Statements {
    pub fn new(dialect: Dialect, module: &str) -> Self {
        let objects = Words(dialect).objects(1);
        let (names, values) = (names(), values());
        let sql = |text: String| statement(module, &text);
        Self {
            lock: match dialect {
                Dialect::Sqlite => None,
                // readers go on
                Dialect::Postgres => Some(sql("LOCK TABLE {module}_event_log IN EXCLUSIVE MODE".into())),
            },
            append: sql(format!(
                "INSERT INTO {{module}}_event_log (log_offset, {names}) \
                 SELECT (SELECT COALESCE(MAX(log_offset), -1) FROM {{module}}_event_log) \
                 + ROW_NUMBER() OVER (ORDER BY key), {values} FROM {objects} \
                 WHERE NOT EXISTS (SELECT 1 FROM {{module}}_event_log AS log WHERE log.id = value->>'id')"
            )),
            adopt: sql(format!(
                "INSERT INTO {{module}}_event_log (log_offset, {names}) \
                 SELECT {}, {values} FROM {objects} WHERE TRUE ON CONFLICT (log_offset) DO NOTHING",
                number("log_offset"),
            )),
            read: sql(format!(
                "SELECT log_offset, {names} FROM {{module}}_event_log \
                 WHERE log_offset >= $1 ORDER BY log_offset LIMIT $2"
            )),
            last: sql("SELECT MAX(log_offset) AS last FROM {module}_event_log".into()),
        }
    }
}
