//! Every statement on a module's outbox, inbox and lease, with the module's name in it.

use sqlx::SqlStr;

use crate::messaging::sql::{Words, statement};
use crate::store::Dialect;

/// The columns of a message, in the order in which they are bound.
const POSTED: [&str; 13] = [
    "id",
    "exchange",
    "routing_key",
    "kind",
    "source",
    "subject",
    "sequence",
    "coordination",
    "said_at",
    "traceparent",
    "tracestate",
    "data",
    "created_at",
];

/// How many messages one statement writes at the most. There is a text for each number up to it, so that
/// every one of them is prepared once; a step of a saga posts one to three.
pub(super) const POSTED_AT_ONCE: usize = 8;

/// The texts, built once a mailbox. Parameters are named in their order.
pub(super) struct Statements {
    /// Writes 1, 2, … [`POSTED_AT_ONCE`] messages.
    pub post: Vec<SqlStr>,
    /// subjects to leave out (a JSON list), limit
    pub waiting: SqlStr,
    /// subject
    pub first_waiting: SqlStr,
    /// now, positions (a JSON list)
    pub mark: SqlStr,
    pub lag: SqlStr,
    /// after, limit
    pub outbox_page: SqlStr,
    /// limit, published before
    pub outbox_prune: SqlStr,
    /// queue, id, now
    pub receive: SqlStr,
    /// queue, id
    pub has_received: SqlStr,
    /// after, limit
    pub inbox_page: SqlStr,
    /// limit, received before
    pub inbox_prune: SqlStr,
    /// owner, how long (µs)
    pub lease_take: SqlStr,
    /// whom else than
    pub lease_held: SqlStr,
    /// owner
    pub lease_leave: SqlStr,
}

impl Statements {
    pub fn new(dialect: Dialect, module: &str) -> Self {
        let words = Words(dialect);
        let (now, texts, numbers) = (words.now(), words.texts(1), words.numbers(2));
        let outbox = format!("SELECT position, {}, published_at FROM {{module}}_outbox", POSTED.join(", "));
        let sql = |text: String| statement(module, &text);
        Self {
            post: (1..=POSTED_AT_ONCE).map(|rows| sql(post(rows))).collect(),
            waiting: sql(format!(
                "{outbox} WHERE published_at IS NULL AND subject NOT IN ({texts}) ORDER BY position LIMIT $2"
            )),
            first_waiting: sql(format!(
                "{outbox} WHERE published_at IS NULL AND subject = $1 ORDER BY position LIMIT 1"
            )),
            mark: sql(format!(
                "UPDATE {{module}}_outbox SET published_at = $1 \
                 WHERE position IN ({numbers}) AND published_at IS NULL"
            )),
            lag: sql("SELECT COUNT(*) AS waiting, \
                 (SELECT created_at FROM {module}_outbox WHERE published_at IS NULL \
                  ORDER BY position LIMIT 1) AS oldest \
                 FROM {module}_outbox WHERE published_at IS NULL"
                .into()),
            outbox_page: sql(format!("{outbox} WHERE position > $1 ORDER BY position LIMIT $2")),
            outbox_prune: sql(prune("outbox", "published_at")),
            receive: sql("INSERT INTO {module}_inbox (queue, id, received_at) VALUES ($1, $2, $3) \
                 ON CONFLICT (queue, id) DO NOTHING"
                .into()),
            has_received: sql("SELECT id FROM {module}_inbox WHERE queue = $1 AND id = $2".into()),
            inbox_page: sql("SELECT position, queue, id, received_at FROM {module}_inbox \
                 WHERE position > $1 ORDER BY position LIMIT $2"
                .into()),
            inbox_prune: sql(prune("inbox", "received_at")),
            lease_take: sql(format!(
                "INSERT INTO {{module}}_relay (name, owner, lapses_at) VALUES ('relay', $1, {now} + $2) \
                 ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, lapses_at = excluded.lapses_at \
                 WHERE {{module}}_relay.owner = excluded.owner OR {{module}}_relay.lapses_at <= {now}"
            )),
            lease_held: sql(format!(
                "SELECT owner FROM {{module}}_relay WHERE owner <> $1 AND lapses_at > {now}"
            )),
            lease_leave: sql("UPDATE {module}_relay SET lapses_at = 0 WHERE owner = $1".into()),
        }
    }
}

fn post(rows: usize) -> String {
    let row = |row: usize| {
        let parameters: Vec<String> =
            (1..=POSTED.len()).map(|column| format!("${}", row * POSTED.len() + column)).collect();
        format!("({})", parameters.join(", "))
    };
    let rows: Vec<String> = (0..rows).map(row).collect();
    format!(
        "INSERT INTO {{module}}_outbox ({}) VALUES {} ON CONFLICT (id) DO NOTHING",
        POSTED.join(", "),
        rows.join(", ")
    )
}

/// Deletes what is too old among the rows that are first in line. They are (nearly) the oldest, and no index
/// on a time has to be kept up for every row.
fn prune(table: &str, time: &str) -> String {
    format!(
        "DELETE FROM {{module}}_{table} WHERE position IN (\
         SELECT position FROM (\
         SELECT position, {time} FROM {{module}}_{table} WHERE {time} IS NOT NULL ORDER BY position LIMIT $1\
         ) AS first WHERE {time} < $2)"
    )
}
