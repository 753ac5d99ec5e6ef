//! Writes what a stretch of the log changes: a handful of statements, each for many rows, which go to the
//! database as one JSON array. The engines unpack it with functions of their own.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chassis::store::{Dialect, StoreError};
use contracts::recommendations::ProjectedOrder;
use contracts::{CustomerId, OrderId};
use serde_json::{Value, json};
use sqlx::AnyConnection;

use super::generations;
use super::model::{skus, standing, standing_name};
use super::sql::Twin;
use crate::domain::{Change, OrderFact};

/// How many rows one statement writes at the most.
const MOST_ROWS: usize = 1000;

/// Adds `facts` to a generation whose row lock this transaction has.
pub(super) async fn apply_in_tx(
    tx: &mut AnyConnection,
    dialect: Dialect,
    generation: i64,
    facts: &[OrderFact],
) -> Result<(), StoreError> {
    if facts.is_empty() {
        return Ok(());
    }
    let known = known_in_tx(tx, dialect, generation, facts).await?;
    let change = Change::of(&known, facts);
    let orders: Vec<_> = change.orders.values().map(order_json).collect();
    write_in_tx(tx, ORDERS_UPSERT.on(dialect), generation, &orders).await?;
    if change.new_orders > 0 {
        generations::orders_add_in_tx(tx, generation, change.new_orders).await?;
    }
    let pairs = Counts::of(&change.pairs, |(first, second)| (&first.0, &second.0));
    pairs.write_in_tx(tx, dialect, generation, &PAIRS).await?;
    let purchases = Counts::of(&change.purchases, |(customer, sku)| (&customer.0, &sku.0));
    purchases.write_in_tx(tx, dialect, generation, &PURCHASES).await
}

async fn known_in_tx(
    tx: &mut AnyConnection,
    dialect: Dialect,
    generation: i64,
    facts: &[OrderFact],
) -> Result<HashMap<OrderId, OrderFact>, StoreError> {
    let ids: BTreeSet<_> = facts.iter().map(|fact| fact.order.order_id).collect();
    let rows: Vec<(String, String, i64, String, String)> = sqlx::query_as(ORDERS_KNOWN.on(dialect))
        .bind(generation)
        .bind(json!(ids).to_string())
        .fetch_all(tx)
        .await?;
    let known = rows.into_iter().map(|(id, customer, version, state, list)| {
        let order_id = OrderId::parse("order_id", &id).map_err(|_| StoreError::corrupt("order_id", &id))?;
        let order = ProjectedOrder {
            order_id,
            customer_id: CustomerId(customer),
            skus: skus(&list)?,
            standing: standing(&state)?,
        };
        Ok((order_id, OrderFact { order, version: generations::count("version", version)? }))
    });
    known.collect()
}

fn order_json(fact: &OrderFact) -> Value {
    json!({
        "id": fact.order.order_id,
        "customer": fact.order.customer_id,
        "version": fact.version,
        "standing": standing_name(fact.order.standing),
        "skus": json!(fact.order.skus).to_string(),
    })
}

async fn write_in_tx(
    tx: &mut AnyConnection,
    statement: &'static str,
    generation: i64,
    rows: &[Value],
) -> Result<(), StoreError> {
    for rows in rows.chunks(MOST_ROWS) {
        sqlx::query(statement).bind(generation).bind(json!(rows).to_string()).execute(&mut *tx).await?;
    }
    Ok(())
}

/// Counts that rise, and counts that fall. They are written apart: the row of an upsert must satisfy the
/// table's CHECK by itself, and no count is negative.
struct Counts {
    more: Vec<Value>,
    fewer: Vec<Value>,
}

/// The statements of a table of counts.
struct CountsTable {
    add: Twin,
    subtract: Twin,
    clear: Twin,
}

impl Counts {
    fn of<K>(changes: &BTreeMap<K, i64>, key: impl Fn(&K) -> (&String, &String)) -> Self {
        let row = |(of, more): (&K, &i64)| {
            let (x, y) = key(of);
            json!({ "x": x, "y": y, "n": more.unsigned_abs() })
        };
        Self {
            more: changes.iter().filter(|(_, more)| **more > 0).map(row).collect(),
            fewer: changes.iter().filter(|(_, more)| **more < 0).map(row).collect(),
        }
    }

    async fn write_in_tx(
        &self,
        tx: &mut AnyConnection,
        dialect: Dialect,
        generation: i64,
        table: &CountsTable,
    ) -> Result<(), StoreError> {
        write_in_tx(tx, table.add.on(dialect), generation, &self.more).await?;
        write_in_tx(tx, table.subtract.on(dialect), generation, &self.fewer).await?;
        write_in_tx(tx, table.clear.on(dialect), generation, &self.fewer).await
    }
}

const ORDERS_KNOWN: Twin = Twin {
    sqlite: "
        SELECT order_id, customer_id, version, standing, skus FROM recommendations_orders
        WHERE generation = $1 AND order_id IN (SELECT value FROM json_each($2))",
    postgres: "
        SELECT order_id, customer_id, version, standing, skus FROM recommendations_orders
        WHERE generation = $1 AND order_id IN (SELECT json_array_elements_text($2::json))",
};

/// A statement that reads the rows `given` out of the JSON array `$2`, for both engines.
macro_rules! with_given {
    (orders, $head:literal, $tail:literal) => {
        Twin {
            sqlite: concat!(
                $head,
                "(SELECT json_extract(value, '$.id') AS id, json_extract(value, '$.customer') AS customer,
                         json_extract(value, '$.version') AS version,
                         json_extract(value, '$.standing') AS standing,
                         json_extract(value, '$.skus') AS skus
                  FROM json_each($2)) AS given ",
                $tail
            ),
            postgres: concat!(
                $head,
                "json_to_recordset($2::json)
                    AS given(id TEXT, customer TEXT, version BIGINT, standing TEXT, skus TEXT) ",
                $tail
            ),
        }
    };
    (counts, $head:literal, $tail:literal) => {
        Twin {
            sqlite: concat!(
                $head,
                "(SELECT json_extract(value, '$.x') AS x, json_extract(value, '$.y') AS y,
                         json_extract(value, '$.n') AS n
                  FROM json_each($2)) AS given ",
                $tail
            ),
            postgres: concat!(
                $head,
                "json_to_recordset($2::json) AS given(x TEXT, y TEXT, n BIGINT) ",
                $tail
            ),
        }
    };
}

// `WHERE TRUE` tells SQLite that what follows is not the ON of a join.

const ORDERS_UPSERT: Twin = with_given!(
    orders,
    "INSERT INTO recommendations_orders (generation, order_id, customer_id, version, standing, skus)
     SELECT $1, id, customer, version, standing, skus FROM ",
    "WHERE TRUE
     ON CONFLICT (generation, order_id) DO UPDATE
     SET customer_id = excluded.customer_id, version = excluded.version, standing = excluded.standing,
         skus = excluded.skus"
);

const PAIRS: CountsTable = CountsTable {
    add: with_given!(
        counts,
        "INSERT INTO recommendations_pairs (generation, sku_a, sku_b, together) SELECT $1, x, y, n FROM ",
        "WHERE TRUE
         ON CONFLICT (generation, sku_a, sku_b) DO UPDATE
         SET together = recommendations_pairs.together + excluded.together"
    ),
    subtract: with_given!(
        counts,
        "UPDATE recommendations_pairs SET together = recommendations_pairs.together - given.n FROM ",
        "WHERE generation = $1 AND sku_a = given.x AND sku_b = given.y"
    ),
    clear: with_given!(
        counts,
        "DELETE FROM recommendations_pairs
         WHERE generation = $1 AND together = 0 AND (sku_a, sku_b) IN (SELECT given.x, given.y FROM ",
        ")"
    ),
};

const PURCHASES: CountsTable = CountsTable {
    add: with_given!(
        counts,
        "INSERT INTO recommendations_purchases (generation, customer_id, sku, orders)
         SELECT $1, x, y, n FROM ",
        "WHERE TRUE
         ON CONFLICT (generation, customer_id, sku) DO UPDATE
         SET orders = recommendations_purchases.orders + excluded.orders"
    ),
    subtract: with_given!(
        counts,
        "UPDATE recommendations_purchases SET orders = recommendations_purchases.orders - given.n FROM ",
        "WHERE generation = $1 AND customer_id = given.x AND sku = given.y"
    ),
    clear: with_given!(
        counts,
        "DELETE FROM recommendations_purchases
         WHERE generation = $1 AND orders = 0 AND (customer_id, sku) IN (SELECT given.x, given.y FROM ",
        ")"
    ),
};
