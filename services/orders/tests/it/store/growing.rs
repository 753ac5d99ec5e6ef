//! A newer version works on the same tables, and has added to them.

use contracts::Timestamp;
use orders::domain::State;
use orders::store::{Change, Lease, OrderStore as _, StoredOrder};

use super::{Bench, benches, lease};

impl Bench {
    /// Reads by every statement.
    async fn reads(&self, order: &StoredOrder) {
        assert_eq!(self.stands(order.id).await.as_ref(), Some(order));
        let of_customer = self.store.orders_of(&order.customer_id, "", 10).await.expect("lists");
        let all = self.store.orders_after("", 10).await.expect("lists");
        assert_eq!(
            (of_customer.as_slice(), all.as_slice()),
            ([order.clone()].as_slice(), [order.clone()].as_slice())
        );
        assert_eq!(self.store.timeline(order.id).await.expect("reads").len(), 1);
        let taken = self.store.lease_take(order.id, &lease("one", 20), Timestamp(10)).await;
        assert_eq!(taken.expect("takes").as_ref(), Some(order));
        let nothing = |_: &StoredOrder, _: &Lease| None;
        let change = self.store.order_change(order.id, None, &nothing).await.expect("looks");
        assert!(matches!(change, Change::None), "{change:?}");
        assert_eq!(self.posted().await, []);
    }
}

#[tokio::test]
async fn a_version_that_runs_while_columns_are_added_reads_on() {
    for bench in benches().await {
        let order = bench.order_in(State::Reserving).await;
        // as one that has served for a while: every statement is prepared
        bench.reads(&order).await;
        for statement in [
            "ALTER TABLE orders_orders ADD COLUMN note TEXT",
            "ALTER TABLE orders_timeline ADD COLUMN note TEXT",
            "ALTER TABLE orders_outbox ADD COLUMN note TEXT",
        ] {
            let mut tx = bench.raw.begin().await.expect("begins");
            sqlx::query(statement).execute(&mut *tx).await.expect("adds");
            tx.commit().await.expect("commits");
        }
        bench.reads(&order).await;
    }
}
