//! Every statement on a module's arrivals, with the module's name in it.

use sqlx::SqlStr;

use crate::messaging::sql::{Words, statement};
use crate::messaging::stored::{names, number, values};
use crate::store::Dialect;

/// The texts, built once a module. Parameters are named in their order.
pub(super) struct Statements {
    /// arrivals (a JSON list)
    pub insert: SqlStr,
    /// queue, now, too late to be true, positions to leave out (a JSON list), limit
    pub due: SqlStr,
    /// queue
    pub consuming: SqlStr,
    /// queue
    pub consumed: SqlStr,
    /// queue, limit
    pub interrupted: SqlStr,
    /// positions (a JSON list)
    pub delete: SqlStr,
    /// attempts, due, cause, position
    pub again: SqlStr,
    /// attempts, cause, when, position
    pub die: SqlStr,
    /// queue, limit
    pub dead: SqlStr,
    /// now, positions (a JSON list)
    pub revive: SqlStr,
    pub waiting: SqlStr,
    /// limit
    pub first: SqlStr,
}

impl Statements {
    pub fn new(dialect: Dialect, module: &str) -> Self {
        let words = Words(dialect);
        let sql = |text: String| statement(module, &text);
        let arrivals =
            format!("SELECT position, queue, attempts, cause, died_at, {} FROM {{module}}_arrivals", names());
        Self {
            // a relay that tries again says what was said, and perhaps dealt with, before; a dead letter that is
            // brought here stays one
            insert: sql(format!(
                "INSERT INTO {{module}}_arrivals (queue, state, attempts, due_at, cause, died_at, {}) \
                 SELECT value->>'queue', value->>'state', {}, {}, value->>'cause', {}, {} FROM {} \
                 WHERE value->>'state' = 'dead' OR NOT EXISTS (SELECT 1 FROM {{module}}_inbox AS inbox \
                 WHERE inbox.queue = value->>'queue' AND inbox.id = value->>'id') \
                 ORDER BY key ON CONFLICT (queue, id) DO NOTHING",
                names(),
                number("attempts"),
                number("due_at"),
                number("died_at"),
                values(),
                words.objects(1),
            )),
            due: sql(format!(
                "{arrivals} WHERE queue = $1 AND state = 'waiting' \
                 AND (due_at <= $2 OR due_at > $3) AND position NOT IN ({}) ORDER BY position LIMIT $5",
                words.numbers(4),
            )),
            consuming: sql("INSERT INTO {module}_consuming (queue) VALUES ($1) ON CONFLICT DO NOTHING".into()),
            consumed: sql("DELETE FROM {module}_consuming WHERE queue = $1".into()),
            interrupted: sql("UPDATE {module}_arrivals SET attempts = attempts + 1 WHERE position IN (\
                 SELECT position FROM {module}_arrivals WHERE queue = $1 AND state = 'waiting' \
                 ORDER BY position LIMIT $2)"
                .into()),
            delete: sql(format!("DELETE FROM {{module}}_arrivals WHERE position IN ({})", words.numbers(1))),
            again: sql("UPDATE {module}_arrivals SET attempts = $1, due_at = $2, cause = $3 \
                 WHERE position = $4 AND state = 'waiting' AND attempts < $1"
                .into()),
            die: sql("UPDATE {module}_arrivals SET state = 'dead', attempts = $1, cause = $2, died_at = $3 \
                 WHERE position = $4 AND state = 'waiting'"
                .into()),
            dead: sql(format!(
                "{arrivals} WHERE queue = $1 AND state = 'dead' ORDER BY died_at, position LIMIT $2"
            )),
            revive: sql(format!(
                "UPDATE {{module}}_arrivals SET state = 'waiting', attempts = 0, due_at = $1, cause = NULL, \
                 died_at = NULL WHERE state = 'dead' AND position IN ({})",
                words.numbers(2),
            )),
            waiting: sql("SELECT COUNT(*) AS waiting FROM {module}_arrivals WHERE state = 'waiting'".into()),
            first: sql(format!("{arrivals} ORDER BY position LIMIT $1")),
        }
    }
}
