//! Listings, and the end of old keys.

use contracts::{CustomerId, OrderId, Timestamp};
use orders::domain::State;
use orders::store::{OrderStore as _, Outcome, StoredOrder};

use super::{Bench, benches, key, lease, to};
use crate::shop::stored;

fn ids(orders: Vec<StoredOrder>) -> Vec<OrderId> {
    orders.into_iter().map(|order| order.id).collect()
}

/// Five orders of Ada's, oldest first, with Bob's in between.
async fn fill(bench: &Bench) -> (Vec<OrderId>, Vec<OrderId>) {
    let (mut adas, mut all) = (Vec::new(), Vec::new());
    for customer in ["ada", "bob", "ada", "ada", "bob", "ada", "ada"] {
        let mut order = stored(State::Reserving);
        order.customer_id = CustomerId(customer.into());
        bench.insert(&order, &lease("one", 10), None).await;
        all.push(order.id);
        if customer == "ada" {
            adas.push(order.id);
        }
    }
    (adas, all)
}

#[tokio::test]
async fn a_customers_orders_come_newest_first_page_by_page() {
    for bench in benches().await {
        let (mut adas, _) = fill(&bench).await;
        adas.reverse();
        let page = async |before: String, limit| {
            let ada = CustomerId("ada".into());
            ids(bench.store.orders_of(&ada, &before, limit).await.expect("reads"))
        };
        assert_eq!(page(String::new(), 100).await, adas);
        assert_eq!(page(String::new(), 2).await, adas[..2]);
        assert_eq!(page(adas[1].to_string(), 2).await, adas[2..4]);
        assert_eq!(page(adas[3].to_string(), 2).await, adas[4..]);
        assert_eq!(page(adas[4].to_string(), 2).await, []);
        let carol = CustomerId("carol".into());
        assert_eq!(bench.store.orders_of(&carol, "", 10).await.expect("reads"), []);
    }
}

#[tokio::test]
async fn every_order_comes_oldest_first_page_by_page() {
    for bench in benches().await {
        let (_, all) = fill(&bench).await;
        let page =
            async |after: String, limit| ids(bench.store.orders_after(&after, limit).await.expect("reads"));
        assert_eq!(page(String::new(), 100).await, all);
        assert_eq!(page(String::new(), 3).await, all[..3]);
        assert_eq!(page(all[2].to_string(), 3).await, all[3..6]);
        assert_eq!(page(all[6].to_string(), 3).await, []);
    }
}

#[tokio::test]
async fn old_keys_are_forgotten_oldest_first_unless_their_answer_is_out() {
    for bench in benches().await {
        let driver = lease("one", 10);
        for (name, placed_at) in [("oldest", 1), ("older", 2), ("old", 3), ("open", 1), ("young", 4)] {
            let mut order = stored(State::Capturing);
            order.placed_at = Timestamp(placed_at);
            bench.insert(&order, &driver, Some(&key(name))).await;
            if name != "open" {
                let mut step = to(State::Confirmed, &order, &driver);
                step.answer = Some("an answer".into());
                assert_eq!(bench.step(&step).await, Outcome::Done);
            }
        }
        let known = async || {
            let mut names = Vec::new();
            for name in ["oldest", "older", "old", "open", "young"] {
                names.extend(bench.known(&key(name)).await.map(|_| name));
            }
            names
        };
        let prune =
            async |limit| bench.store.keys_prune(Timestamp(4), limit).await.expect("the database answers");
        assert_eq!(prune(2).await, 2);
        assert_eq!(known().await, ["old", "open", "young"]);
        assert_eq!(prune(2).await, 1);
        assert_eq!(prune(2).await, 0);
        assert_eq!(known().await, ["open", "young"]);
        assert_eq!(
            bench.store.orders_after("", 10).await.expect("reads").len(),
            5,
            "no order goes with its key"
        );
    }
}
