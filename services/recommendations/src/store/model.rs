//! Reads, compares and drops a model.
//!
//! An answer is one statement, and so one snapshot: generation, offset and products belong together, even
//! while another generation takes over.

use chassis::store::StoreError;
use contracts::recommendations::{ProjectedOrder, Recommendation, Recommended, Standing};
use contracts::{CustomerId, OrderId, Sku};
use sqlx::{AnyConnection, AnyPool};

use super::Differences;
use super::generations::count;

/// What is bought together with the product `$1`.
pub(super) const TOGETHER_WITH: &str = "
    WITH serving AS (SELECT generation, next_offset FROM recommendations_generations WHERE role = 'serving'),
    hits AS (
        SELECT pair.sku_b AS sku, pair.together AS together
        FROM serving JOIN recommendations_pairs AS pair ON pair.generation = serving.generation
        WHERE pair.sku_a = $1
        UNION ALL
        SELECT pair.sku_a, pair.together
        FROM serving JOIN recommendations_pairs AS pair ON pair.generation = serving.generation
        WHERE pair.sku_b = $1
    )
    SELECT serving.next_offset, hits.sku, hits.together
    FROM serving LEFT JOIN hits ON TRUE
    ORDER BY hits.together DESC, hits.sku
    LIMIT $2";

/// What is bought together with the products of the customer `$1`, each such order counted once for each of
/// these products that stands in it.
pub(super) const TOGETHER_WITH_ALL_OF: &str = "
    WITH serving AS (SELECT generation, next_offset FROM recommendations_generations WHERE role = 'serving'),
    bought AS (
        SELECT purchase.generation AS generation, purchase.sku AS sku
        FROM serving JOIN recommendations_purchases AS purchase ON purchase.generation = serving.generation
        WHERE purchase.customer_id = $1
    ),
    beside AS (
        SELECT pair.sku_b AS sku, pair.together AS together
        FROM bought JOIN recommendations_pairs AS pair
             ON pair.generation = bought.generation AND pair.sku_a = bought.sku
        UNION ALL
        SELECT pair.sku_a, pair.together
        FROM bought JOIN recommendations_pairs AS pair
             ON pair.generation = bought.generation AND pair.sku_b = bought.sku
    ),
    hits AS (
        SELECT beside.sku AS sku, CAST(SUM(beside.together) AS BIGINT) AS together
        FROM beside
        WHERE beside.sku NOT IN (SELECT sku FROM bought)
        GROUP BY beside.sku
    )
    SELECT serving.next_offset, hits.sku, hits.together
    FROM serving LEFT JOIN hits ON TRUE
    ORDER BY hits.together DESC, hits.sku
    LIMIT $2";

pub(super) async fn recommended(
    pool: &AnyPool,
    statement: &'static str,
    key: &str,
    most: u32,
) -> Result<Recommended, StoreError> {
    let rows: Vec<(i64, Option<String>, Option<i64>)> =
        sqlx::query_as(statement).bind(key).bind(i64::from(most)).fetch_all(pool).await?;
    let as_of = rows.first().ok_or_else(|| StoreError::corrupt("role", "no generation serves"))?.0;
    let items = rows.into_iter().filter_map(|(_, sku, together)| Some((sku?, together?)));
    let items = items.map(|(sku, together)| Recommendation {
        sku: Sku(sku),
        // more orders than that only say "very often"
        together: u32::try_from(together).unwrap_or(u32::MAX),
    });
    Ok(Recommended { items: items.collect(), as_of: count("next_offset", as_of)? })
}

pub(super) async fn orders_page(
    pool: &AnyPool,
    after: &str,
    most: u32,
) -> Result<Vec<ProjectedOrder>, StoreError> {
    let rows: Vec<(String, String, String, String)> = sqlx::query_as(
        "SELECT orders.order_id, orders.customer_id, orders.standing, orders.skus
         FROM recommendations_generations AS serving
         JOIN recommendations_orders AS orders ON orders.generation = serving.generation
         WHERE serving.role = 'serving' AND orders.order_id > $1
         ORDER BY orders.order_id
         LIMIT $2",
    )
    .bind(after)
    .bind(i64::from(most))
    .fetch_all(pool)
    .await?;
    let orders = rows.into_iter().map(|(id, customer, state, list)| {
        Ok(ProjectedOrder {
            order_id: OrderId::parse("order_id", &id).map_err(|_| StoreError::corrupt("order_id", &id))?,
            customer_id: CustomerId(customer),
            skus: skus(&list)?,
            standing: standing(&state)?,
        })
    });
    orders.collect()
}

pub(super) fn skus(list: &str) -> Result<Vec<Sku>, StoreError> {
    serde_json::from_str(list).map_err(|_| StoreError::corrupt("skus", list))
}

pub(super) fn standing(name: &str) -> Result<Standing, StoreError> {
    [Standing::Counts, Standing::Withdrawn]
        .into_iter()
        .find(|standing| standing_name(*standing) == name)
        .ok_or_else(|| StoreError::corrupt("standing", name))
}

pub(super) const fn standing_name(standing: Standing) -> &'static str {
    match standing {
        Standing::Counts => "counts",
        Standing::Withdrawn => "withdrawn",
    }
}

/// In what two generations differ.
pub(super) async fn compare_in_tx(
    tx: &mut AnyConnection,
    one: i64,
    other: i64,
) -> Result<Differences, StoreError> {
    Ok(Differences {
        orders: differing_in_tx(tx, DIFFERING_ORDERS, one, other).await?,
        pairs: differing_in_tx(tx, DIFFERING_PAIRS, one, other).await?,
        purchases: differing_in_tx(tx, DIFFERING_PURCHASES, one, other).await?,
    })
}

async fn differing_in_tx(
    tx: &mut AnyConnection,
    statement: &'static str,
    one: i64,
    other: i64,
) -> Result<u64, StoreError> {
    let differing = sqlx::query_scalar(statement).bind(one).bind(other).fetch_one(tx).await?;
    count("count", differing)
}

// Both counted from the side of the one generation (rows that differ or are missing there) and of the
// other (rows that only it has).

const DIFFERING_ORDERS: &str = "
    SELECT (SELECT COUNT(*) FROM recommendations_orders AS a
            LEFT JOIN recommendations_orders AS b ON b.generation = $2 AND b.order_id = a.order_id
            WHERE a.generation = $1
              AND (b.order_id IS NULL OR b.customer_id <> a.customer_id OR b.version <> a.version
                   OR b.standing <> a.standing OR b.skus <> a.skus))
         + (SELECT COUNT(*) FROM recommendations_orders AS b
            LEFT JOIN recommendations_orders AS a ON a.generation = $1 AND a.order_id = b.order_id
            WHERE b.generation = $2 AND a.order_id IS NULL)";

const DIFFERING_PAIRS: &str = "
    SELECT (SELECT COUNT(*) FROM recommendations_pairs AS a
            LEFT JOIN recommendations_pairs AS b
                 ON b.generation = $2 AND b.sku_a = a.sku_a AND b.sku_b = a.sku_b
            WHERE a.generation = $1 AND (b.sku_a IS NULL OR b.together <> a.together))
         + (SELECT COUNT(*) FROM recommendations_pairs AS b
            LEFT JOIN recommendations_pairs AS a
                 ON a.generation = $1 AND a.sku_a = b.sku_a AND a.sku_b = b.sku_b
            WHERE b.generation = $2 AND a.sku_a IS NULL)";

const DIFFERING_PURCHASES: &str = "
    SELECT (SELECT COUNT(*) FROM recommendations_purchases AS a
            LEFT JOIN recommendations_purchases AS b
                 ON b.generation = $2 AND b.customer_id = a.customer_id AND b.sku = a.sku
            WHERE a.generation = $1 AND (b.sku IS NULL OR b.orders <> a.orders))
         + (SELECT COUNT(*) FROM recommendations_purchases AS b
            LEFT JOIN recommendations_purchases AS a
                 ON a.generation = $1 AND a.customer_id = b.customer_id AND a.sku = b.sku
            WHERE b.generation = $2 AND a.sku IS NULL)";

/// Drops up to `most` rows of a generation out of each table; says how many it dropped.
pub(super) async fn drop_in_tx(
    tx: &mut AnyConnection,
    generation: i64,
    most: u32,
) -> Result<u64, StoreError> {
    let mut dropped = 0;
    for statement in DROPS {
        let result = sqlx::query(statement).bind(generation).bind(i64::from(most)).execute(&mut *tx).await?;
        dropped += result.rows_affected();
    }
    Ok(dropped)
}

const DROPS: [&str; 3] = [
    "DELETE FROM recommendations_orders WHERE generation = $1 AND order_id IN
         (SELECT order_id FROM recommendations_orders WHERE generation = $1 LIMIT $2)",
    "DELETE FROM recommendations_pairs WHERE generation = $1 AND (sku_a, sku_b) IN
         (SELECT sku_a, sku_b FROM recommendations_pairs WHERE generation = $1 LIMIT $2)",
    "DELETE FROM recommendations_purchases WHERE generation = $1 AND (customer_id, sku) IN
         (SELECT customer_id, sku FROM recommendations_purchases WHERE generation = $1 LIMIT $2)",
];
