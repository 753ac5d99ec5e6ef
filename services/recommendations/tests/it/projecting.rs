//! Live reading.

use contracts::messages::Message;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use recommendations::log::LogReader as _;

use crate::memory_log::MemoryLog;
use crate::stories::{confirmed, history, refunded};
use crate::{PATIENCE, benches};

#[tokio::test]
async fn however_events_come_the_tables_hold_what_they_say() {
    for bench in benches().await {
        let mut dice = SmallRng::seed_from_u64(1);
        let mut reader = bench.projection();
        let mut begun = reader.next_offset().await.expect("begins");
        for round in 0..12u128 {
            bench.log.append(history(&mut dice, round * 4, 5));
            let mut at = bench.store.positions().await.expect("reads").serving;
            while at < bench.log.len() {
                // now and then the reader is a new one, and now and then it gets again what it had
                if dice.random_bool(0.3) {
                    reader = bench.projection();
                    assert_eq!(reader.next_offset().await, Ok(at));
                    begun = at;
                }
                let from = at.saturating_sub(dice.random_range(0..4)).max(begun);
                let entries = bench.log.entries(from, dice.random_range(5..40));
                reader.read(&entries).await.expect("reads");
                at = entries.last().map_or(at, |last| last.offset + 1);
                assert_eq!(bench.assert_agrees().await, at);
            }
        }
    }
}

#[tokio::test]
async fn a_reader_that_is_killed_anywhere_leaves_offset_and_model_in_agreement() {
    for bench in benches().await {
        let mut dice = SmallRng::seed_from_u64(2);
        bench.log.append(history(&mut dice, 0, 150));
        let mut stops = std::collections::BTreeSet::new();
        // who got nowhere is given longer, so that it ends on a slow machine, too
        let mut longest = 60;
        while bench.store.positions().await.expect("reads").serving < bench.log.len() {
            let instance = bench.instance();
            for _ in 0..dice.random_range(1..longest) {
                tokio::task::yield_now().await;
            }
            bench.store.positions().await.expect("reads");
            drop(instance);
            longest = if stops.insert(bench.assert_agrees().await) { 60 } else { longest * 2 };
        }
        assert!(stops.len() > 3, "killed at {stops:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_instances_count_nothing_twice() {
    for bench in benches().await {
        let mut dice = SmallRng::seed_from_u64(3);
        let instances = [bench.instance(), bench.instance(), bench.instance()];
        for round in 0..10u128 {
            bench.log.append(history(&mut dice, round * 10, 10));
            bench.caught_up().await;
        }
        assert_eq!(bench.assert_agrees().await, bench.log.len());
        drop(instances);
    }
}

#[tokio::test]
async fn what_cannot_be_read_holds_nothing_up() {
    for bench in benches().await {
        let odd =
            Message { data: serde_json::json!({ "type": "order_confirmed" }), ..confirmed(1, "ada", &["A"]) };
        bench.log.append_unreadable("not a CloudEvent");
        bench
            .log
            .append([odd, Message { kind: "of.the.future.v9".into(), ..confirmed(2, "ada", &["A", "B"]) }]);
        bench.log.append([confirmed(3, "ada", &["A", "B"]), refunded(4, "bob", &["C"])]);
        let _instance = bench.instance();
        bench.caught_up().await;
        bench.assert_agrees().await;
        let orders = bench.store.orders_page("", 10).await.expect("reads");
        assert_eq!(orders.len(), 2);
    }
}

#[tokio::test]
async fn a_reader_that_missed_a_piece_of_the_log_goes_on_after_it() {
    for bench in benches().await {
        bench.log.append((1..30).map(|id| confirmed(id, "ada", &["A", "B"])));
        let reader = bench.projection();
        reader.next_offset().await.expect("begins");
        reader.read(&bench.log.entries(0, 10)).await.expect("reads");
        bench.log.cut(20);
        reader.read(&bench.log.entries(10, 100)).await.expect("reads");
        assert_eq!(bench.store.positions().await.expect("reads").serving, 29);
        assert_eq!(bench.store.orders_page("", 100).await.expect("reads").len(), 19);
    }
}

#[tokio::test]
async fn a_batch_of_the_largest_orders_is_taken() {
    for bench in benches().await {
        let skus: Vec<String> = (0..50).map(|sku| format!("SKU-{sku:02}")).collect();
        let skus: Vec<&str> = skus.iter().map(String::as_str).collect();
        bench.log.append((0..20).map(|id| confirmed(id, "ada", &skus)));
        bench.log.append((0..19).map(|id| refunded(id, "ada", &skus)));
        let reader = bench.projection();
        reader.next_offset().await.expect("begins");
        let entries = bench.log.entries(0, 256);
        let read = reader.read(&entries);
        tokio::time::timeout(PATIENCE, read).await.expect("in time").expect("reads");
        assert_eq!(bench.assert_agrees().await, 39);
    }
}

#[tokio::test]
async fn a_log_that_was_begun_anew_is_read_on_and_counts_nothing_twice() {
    for bench in benches().await {
        let reader = bench.projection();
        bench.log.append((1..=8).map(|id| confirmed(id, "ada", &["A", "B"])));
        reader.next_offset().await.expect("begins");
        reader.read(&bench.log.entries(0, 100)).await.expect("reads");
        bench.replays().begin().await.expect("begins");
        let anew = MemoryLog::default();
        anew.append([confirmed(8, "ada", &["A", "B"]), confirmed(9, "bob", &["A", "B"])]);
        anew.append([refunded(1, "ada", &["A", "B"])]);
        for _ in 0..2 {
            let reader = bench.projection();
            reader.next_offset().await.expect("begins");
            reader.read(&anew.entries(0, 100)).await.expect("reads");
            let answer = bench.store.together_with(&"A".into(), 5).await.expect("answers");
            assert_eq!((answer.items[0].together, answer.as_of), (8, 3));
        }
        assert_eq!(bench.store.positions().await.expect("reads").building, None);
    }
}
