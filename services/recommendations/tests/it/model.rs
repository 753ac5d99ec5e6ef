//! The model, as the tables hold it, and as a reader of the whole log would work it out on paper.

use std::collections::{BTreeMap, BTreeSet};

use contracts::messages::Event as _;
use contracts::orders::OrderEvent;

use crate::Bench;
use crate::memory_log::MemoryLog;

type Counts = BTreeMap<(String, String), i64>;

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Model {
    /// By order: version, standing, SKUs.
    orders: BTreeMap<String, (i64, String, Vec<String>)>,
    pairs: Counts,
    purchases: Counts,
}

impl Model {
    /// What the first `end` entries of `log` make.
    pub fn of(log: &MemoryLog, end: u64) -> Self {
        let mut latest = BTreeMap::new();
        for entry in log.entries(0, usize::try_from(end).expect("small")) {
            let Some(event) = entry.message.ok().and_then(|message| OrderEvent::read(&message).ok()?) else {
                continue;
            };
            let standing = match &event {
                OrderEvent::OrderConfirmed { .. } => "counts",
                OrderEvent::OrderRefunded { .. } => "withdrawn",
                _ => continue,
            };
            let (order, known) = (event.order(), latest.get(&event.order().id));
            if known.is_none_or(|(known, _): &(contracts::orders::Order, &str)| known.version < order.version)
            {
                latest.insert(order.id, (order.clone(), standing));
            }
        }
        let mut model = Self::default();
        for (order, standing) in latest.into_values() {
            let skus: BTreeSet<String> = order.lines.into_iter().map(|line| line.sku.0).collect();
            if standing == "counts" {
                for a in &skus {
                    *model.purchases.entry((order.customer_id.0.clone(), a.clone())).or_default() += 1;
                    for b in skus.iter().filter(|b| *b > a) {
                        *model.pairs.entry((a.clone(), b.clone())).or_default() += 1;
                    }
                }
            }
            let row = (order.version as i64, standing.to_owned(), skus.into_iter().collect());
            model.orders.insert(order.id.to_string(), row);
        }
        model
    }
}

impl Bench {
    /// What the tables hold of the generation that answers, and how far it has read, in one snapshot.
    pub async fn model(&self) -> (u64, Model) {
        let mut tx = self.raw.begin().await.expect("begins");
        let (generation, offset, orders): (i64, i64, i64) = sqlx::query_as(
            // locks the row that every writer takes first, so that what follows is one snapshot
            "UPDATE recommendations_generations SET role = role WHERE role = 'serving'
             RETURNING generation, next_offset, orders",
        )
        .fetch_one(&mut *tx)
        .await
        .expect("a generation");
        let mut model = Model::default();
        let rows: Vec<(String, i64, String, String)> = sqlx::query_as(
            "SELECT order_id, version, standing, skus FROM recommendations_orders WHERE generation = $1",
        )
        .bind(generation)
        .fetch_all(&mut *tx)
        .await
        .expect("orders");
        assert_eq!(rows.len() as i64, orders, "the generation's count of orders");
        for (id, version, standing, skus) in rows {
            model.orders.insert(id, (version, standing, serde_json::from_str(&skus).expect("a list")));
        }
        for (statement, counts) in [
            (
                "SELECT sku_a, sku_b, together FROM recommendations_pairs WHERE generation = $1",
                &mut model.pairs,
            ),
            (
                "SELECT customer_id, sku, orders FROM recommendations_purchases WHERE generation = $1",
                &mut model.purchases,
            ),
        ] {
            let rows: Vec<(String, String, i64)> =
                sqlx::query_as(statement).bind(generation).fetch_all(&mut *tx).await.expect("counts");
            counts.extend(rows.into_iter().map(|(x, y, n)| ((x, y), n)));
        }
        tx.rollback().await.expect("ends");
        (u64::try_from(offset).expect("an offset"), model)
    }

    /// The model is what the log says, up to the offset that stands with it; says which that is.
    pub async fn assert_agrees(&self) -> u64 {
        let (offset, model) = self.model().await;
        assert_eq!(model, Model::of(&self.log, offset), "at offset {offset}");
        offset
    }

    /// How many rows there are of any generation but the one that answers.
    pub async fn leftovers(&self) -> i64 {
        sqlx::query_scalar(
            "SELECT (SELECT COUNT(*) FROM recommendations_generations WHERE role <> 'serving')
                  + (SELECT COUNT(*) FROM recommendations_orders WHERE generation NOT IN
                        (SELECT generation FROM recommendations_generations WHERE role = 'serving'))
                  + (SELECT COUNT(*) FROM recommendations_pairs WHERE generation NOT IN
                        (SELECT generation FROM recommendations_generations WHERE role = 'serving'))
                  + (SELECT COUNT(*) FROM recommendations_purchases WHERE generation NOT IN
                        (SELECT generation FROM recommendations_generations WHERE role = 'serving'))",
        )
        .fetch_one(self.raw.read())
        .await
        .expect("counts")
    }

    /// Changes the tables behind the service's back.
    pub async fn tamper(&self, statement: &'static str) {
        let mut tx = self.raw.begin().await.expect("begins");
        sqlx::query(statement).execute(&mut *tx).await.expect("changes");
        tx.commit().await.expect("commits");
    }
}
