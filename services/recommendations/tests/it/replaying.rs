//! Building the model anew.

use std::cell::Cell;
use std::sync::Arc;

use contracts::{Code, PortError};
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use recommendations::replay::{ReplayState, ReplayStatus, Replays, VerdictKind};

use crate::stories::{confirmed, history};
use crate::{Bench, PATIENCE, benches};

impl Bench {
    async fn replayed(&self, replays: &Replays) -> ReplayStatus {
        testkit::eventually("the replay to be done and the old model gone", PATIENCE, async || {
            let status = replays.status().await.expect("a status");
            (status.state == ReplayState::Done && self.leftovers().await == 0).then_some(status)
        })
        .await
    }
}

fn assert_same(status: &ReplayStatus) {
    let verdict = status.verdict.as_ref().expect("a verdict");
    assert_eq!((verdict.kind, verdict.differing(), verdict.log_begins_at), (VerdictKind::Same, 0, None));
    assert_eq!((status.from, status.at, status.end), (0, verdict.compared_at, verdict.compared_at));
    assert!(status.finished_at >= status.started_at);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_arrives_at_the_same_model_while_orders_go_on() {
    for seed in 0..5 {
        for bench in benches().await {
            let mut dice = SmallRng::seed_from_u64(seed);
            let instance = bench.instance();
            bench.log.append(history(&mut dice, 0, 100));
            bench.caught_up().await;
            let before = instance.replays.begin().await.expect("begins");
            assert_eq!((before.state, before.at), (ReplayState::Replaying, 0));
            // orders are appended for as long as it takes, and answers keep coming
            let next = Cell::new(100);
            let status = testkit::eventually("the replay to be done", PATIENCE, async || {
                let first = next.replace(next.get() + 3);
                bench.log.append(history(&mut SmallRng::seed_from_u64(seed), first, 3));
                bench.store.together_with(&"A-1".into(), 5).await.expect("answers");
                let status = instance.replays.status().await.expect("a status");
                assert!(status.at <= status.end, "{status:?}");
                (status.state == ReplayState::Done).then_some(status)
            })
            .await;
            assert_same(&status);
            bench.caught_up().await;
            assert_eq!(bench.assert_agrees().await, bench.log.len());
            bench.replayed(&instance.replays).await;
        }
    }
}

#[tokio::test]
async fn a_model_that_went_wrong_is_mended_and_the_verdict_says_by_how_much() {
    for bench in benches().await {
        let instance = bench.instance();
        bench.log.append([confirmed(1, "ada", &["A", "B"]), confirmed(2, "bob", &["A", "C"])]);
        bench.log.append([confirmed(3, "bob", &["X"])]);
        bench.caught_up().await;
        bench.tamper("UPDATE recommendations_pairs SET together = 5 WHERE sku_b = 'B'").await;
        bench.tamper("UPDATE recommendations_purchases SET sku = 'Y' WHERE sku = 'X'").await;
        bench.tamper("DELETE FROM recommendations_pairs WHERE sku_b = 'C'").await;
        bench
            .tamper("UPDATE recommendations_orders SET standing = 'withdrawn' WHERE customer_id = 'ada'")
            .await;
        instance.replays.begin().await.expect("begins");
        let status = bench.replayed(&instance.replays).await;
        let verdict = status.verdict.expect("a verdict");
        assert_eq!((verdict.kind, verdict.compared_at), (VerdictKind::Differs, 3));
        assert_eq!((verdict.orders, verdict.pairs, verdict.purchases), (1, 2, 2));
        assert_eq!(verdict.differing(), 5);
        assert_eq!(status.orders, 3);
        bench.assert_agrees().await;
    }
}

#[tokio::test]
async fn a_replay_that_is_killed_is_gone_on_with() {
    for bench in benches().await {
        let mut dice = SmallRng::seed_from_u64(7);
        bench.log.append(history(&mut dice, 0, 120));
        let first = bench.instance();
        bench.caught_up().await;
        first.replays.begin().await.expect("begins");
        drop(first);
        let mut stops = std::collections::BTreeSet::new();
        // who got nowhere is given longer, so that it ends on a slow machine, too
        let mut longest = 60;
        loop {
            let instance = bench.instance();
            for _ in 0..dice.random_range(1..longest) {
                tokio::task::yield_now().await;
            }
            let positions = bench.store.positions().await.expect("reads");
            drop(instance);
            bench.assert_agrees().await;
            match positions.building {
                Some(building) => longest = if stops.insert(building) { 60 } else { longest * 2 },
                None => break,
            }
        }
        assert!(stops.len() > 3, "killed at {stops:?}");
        let last = bench.instance();
        assert_same(&bench.replayed(&last.replays).await);
        bench.assert_agrees().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_instances_carry_out_one_replay() {
    for bench in benches().await {
        let mut dice = SmallRng::seed_from_u64(8);
        bench.log.append(history(&mut dice, 0, 100));
        let instances = [bench.instance(), bench.instance()];
        bench.caught_up().await;
        for round in 0..3u128 {
            instances[0].replays.begin().await.expect("begins");
            bench.log.append(history(&mut dice, 1000 + round * 10, 10));
            assert_same(&bench.replayed(&instances[1].replays).await);
        }
        bench.caught_up().await;
        assert_eq!(bench.assert_agrees().await, bench.log.len());
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, PortError>) -> Option<Code> {
    result.expect_err("a refusal").code()
}

#[tokio::test]
async fn one_replay_at_a_time() {
    for bench in benches().await {
        // nobody carries it out
        let replays: Arc<Replays> = bench.replays();
        assert_eq!(replays.status().await.expect("a status").state, ReplayState::Idle);
        replays.begin().await.expect("begins");
        assert_eq!(code(replays.begin().await), Some(Code::InProgress));
        assert_eq!(code(bench.replays().begin().await), Some(Code::InProgress));
        assert_eq!(replays.status().await.expect("a status").state, ReplayState::Replaying);
    }
}

#[tokio::test]
async fn an_empty_log_and_a_second_replay() {
    for bench in benches().await {
        let instance = bench.instance();
        instance.replays.begin().await.expect("begins");
        assert_same(&bench.replayed(&instance.replays).await);
        bench.log.append([confirmed(1, "ada", &["A", "B"])]);
        bench.caught_up().await;
        let began = instance.replays.begin().await.expect("begins");
        let status = testkit::eventually("the second replay to be done", PATIENCE, async || {
            let status = bench.replayed(&instance.replays).await;
            (status.started_at == began.started_at).then_some(status)
        })
        .await;
        assert_same(&status);
        assert_eq!((status.orders, status.end), (1, 1));
    }
}

#[tokio::test]
async fn a_log_that_lost_its_beginning_is_named_in_the_verdict() {
    for bench in benches().await {
        let instance = bench.instance();
        bench.log.append((0..20).map(|id| confirmed(id, "ada", &["A", "B"])));
        bench.caught_up().await;
        bench.log.cut(15);
        instance.replays.begin().await.expect("begins");
        let status = bench.replayed(&instance.replays).await;
        let verdict = status.verdict.expect("a verdict");
        assert_eq!((verdict.kind, verdict.log_begins_at, status.from), (VerdictKind::Differs, Some(15), 15));
        assert_eq!((verdict.orders, verdict.pairs, status.orders), (15, 1, 5));
    }
}

#[tokio::test]
async fn a_log_that_is_shorter_than_what_was_read_is_another_log() {
    for bench in benches().await {
        bench.tamper("UPDATE recommendations_generations SET next_offset = 1").await;
        assert_eq!(code(bench.replays().begin().await), Some(Code::Conflict));
        assert_eq!(bench.store.replay().await.expect("reads"), None);
    }
}
