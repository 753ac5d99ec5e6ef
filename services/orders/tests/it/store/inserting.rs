//! New orders and their keys: all or nothing.

use orders::domain::State;
use orders::store::{Inserted, KnownKey, OrderStore as _};

use super::{benches, key, lease};
use crate::shop::{first_entry, stored};

#[tokio::test]
async fn an_order_is_stored_with_its_first_step_and_its_key() {
    for bench in benches().await {
        let order = stored(State::Reserving);
        assert_eq!(bench.insert(&order, &lease("one", 10), Some(&key("k"))).await, Inserted::New);
        assert_eq!(bench.stands(order.id).await.as_ref(), Some(&order));
        let timeline = bench.store.timeline(order.id).await.expect("reads");
        assert_eq!(timeline, [first_entry(&order)]);
        let known = KnownKey { fingerprint: "f1".into(), order_id: order.id, answer: None };
        assert_eq!(bench.known(&key("k")).await, Some(known));
    }
}

#[tokio::test]
async fn where_the_key_is_known_nothing_is_stored() {
    for bench in benches().await {
        let (first, second) = (stored(State::Reserving), stored(State::Reserving));
        bench.insert(&first, &lease("one", 10), Some(&key("k"))).await;
        let mut again = key("k");
        again.fingerprint = "f2".into();
        let known = KnownKey { fingerprint: "f1".into(), order_id: first.id, answer: None };
        let inserted = bench.insert(&second, &lease("two", 10), Some(&again)).await;
        assert_eq!(inserted, Inserted::KeyKnown(known));
        assert_eq!(bench.stands(second.id).await, None);
        assert_eq!(bench.store.timeline(second.id).await.expect("reads"), []);
    }
}

#[tokio::test]
async fn where_the_order_cannot_be_stored_its_key_stays_free() {
    for bench in benches().await {
        let order = bench.order_in(State::Reserving).await;
        // an id that is there already
        let entry = first_entry(&order);
        let failed = bench.store.order_insert(&order, &entry, &lease("one", 10), Some(&key("k")), &[]).await;
        assert!(failed.expect_err("the id is taken").is_unique_violation());
        assert_eq!(bench.known(&key("k")).await, None);
    }
}

#[tokio::test]
async fn a_key_belongs_to_one_customer_and_one_operation() {
    for bench in benches().await {
        let (mut bobs, mut other) = (key("k"), key("k"));
        bobs.customer_id.0 = "bob".into();
        other.operation = "orders.return".into();
        for key in [key("k"), bobs, other] {
            let order = stored(State::Reserving);
            assert_eq!(bench.insert(&order, &lease("one", 10), Some(&key)).await, Inserted::New, "{key:?}");
            assert_eq!(bench.known(&key).await.expect("is known").order_id, order.id);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_16_twins_at_once_one_places_the_order_and_the_others_learn_which() {
    for bench in benches().await {
        let inserted = bench
            .together(16, |store, _| async move {
                let order = stored(State::Reserving);
                let entry = first_entry(&order);
                let inserted =
                    store.order_insert(&order, &entry, &lease("one", 10), Some(&key("k")), &[]).await;
                (order.id, inserted.expect("the database answers"))
            })
            .await;
        let new: Vec<_> = inserted.iter().filter(|(_, inserted)| *inserted == Inserted::New).collect();
        let [(winner, _)] = new[..] else { panic!("exactly one is new: {inserted:?}") };
        for (id, inserted) in &inserted {
            match inserted {
                Inserted::New => assert!(bench.stands(*id).await.is_some()),
                Inserted::KeyKnown(known) => {
                    assert_eq!(known.order_id, *winner);
                    assert_eq!(bench.stands(*id).await, None);
                }
            }
        }
    }
}
