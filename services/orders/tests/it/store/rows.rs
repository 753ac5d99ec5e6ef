//! Rows that this program never wrote: an error, never a panic and never a guess.

use chassis::store::StoreError;
use contracts::Timestamp;
use orders::domain::State;
use orders::store::OrderStore as _;

use super::{Bench, benches, key, lease};
use crate::shop::stored;

impl Bench {
    pub(super) async fn corrupt(&self, statement: &'static str) {
        let mut tx = self.raw.begin().await.expect("begins");
        let changed = sqlx::query(statement).execute(&mut *tx).await.expect("the statement is sound");
        assert_eq!(changed.rows_affected(), 1, "{statement}");
        tx.commit().await.expect("commits");
    }
}

#[tokio::test]
async fn an_order_that_makes_no_sense_is_an_error_that_names_the_column() {
    for (column, statement) in [
        ("state", "UPDATE orders_orders SET state = 'dreaming'"),
        ("state", "UPDATE orders_orders SET state = '{\"compensating\":[\"weather\"]}'"),
        ("early", "UPDATE orders_orders SET early = '[{\"done\":\"dreaming\"}]'"),
        ("coordination", "UPDATE orders_orders SET coordination = 'telepathy'"),
        ("lines", "UPDATE orders_orders SET lines = '[{\"sku\":'"),
        ("address", "UPDATE orders_orders SET address = '{}'"),
        ("currency", "UPDATE orders_orders SET currency = 'XXX'"),
        ("reason", "UPDATE orders_orders SET reason = '{\"code\":\"whim\",\"detail\":\"\"}'"),
        ("id", "UPDATE orders_orders SET id = 'seventeen'"),
    ] {
        for bench in benches().await {
            bench.order_in(State::Reserving).await;
            bench.corrupt(statement).await;
            match bench.store.orders_after("", 10).await {
                Err(StoreError::Corrupt(what)) => assert!(what.contains(column), "{statement}: {what}"),
                other => panic!("{statement}: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn an_abandoned_order_that_makes_no_sense_is_an_error_to_whoever_would_drive_it() {
    for bench in benches().await {
        let order = bench.order_in(State::Reserving).await;
        bench.corrupt("UPDATE orders_orders SET state = 'dreaming'").await;
        let taken = bench.store.lease_take(order.id, &lease("one", 20), Timestamp(10)).await;
        assert!(matches!(taken, Err(StoreError::Corrupt(_))), "{taken:?}");
    }
}

#[tokio::test]
async fn a_step_or_a_key_that_makes_no_sense_is_an_error() {
    for bench in benches().await {
        let order = stored(State::Reserving);
        bench.insert(&order, &lease("one", 10), Some(&key("k"))).await;
        bench.corrupt("UPDATE orders_timeline SET direction = 'sideways'").await;
        let timeline = bench.store.timeline(order.id).await;
        assert!(matches!(timeline, Err(StoreError::Corrupt(_))), "{timeline:?}");
        bench.corrupt("UPDATE orders_keys SET order_id = 'seventeen'").await;
        let known = bench.store.key(&key("k")).await;
        assert!(matches!(known, Err(StoreError::Corrupt(_))), "{known:?}");
    }
}
