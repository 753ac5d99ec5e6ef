//! Reservations that lapse, by a clock that the test moves.

use std::time::Duration;

use contracts::Code;
use contracts::inventory::ReservationStatus::{Expired, Released};
use inventory::config::ReservationsConfig;
use tokio_util::sync::CancellationToken;

use crate::shop::{PATIENCE, Shop, TTL, order, outcome, shops};

#[tokio::test]
async fn a_late_commit_is_refused_although_no_sweep_came_by() {
    for shop in shops().await {
        shop.stock(&[("A", 5)]).await;
        let order = order();
        shop.reserve(order, &[("A", 2)]).await.expect("there is enough");
        shop.clock.advance(TTL);
        for _ in 0..2 {
            assert_eq!(outcome(shop.commit(order).await), Err(Code::ReservationExpired));
        }
        assert_eq!(shop.books().await["A"], (5, 0, 0), "the goods are free again");
        assert_eq!(outcome(shop.reservation(order).await), Ok(Expired));
        assert_eq!(outcome(shop.reserve(order, &[("A", 2)]).await), Ok(Expired), "as it stands");
    }
}

#[tokio::test]
async fn the_sweep_takes_what_is_due_and_nothing_else() {
    for shop in shops().await {
        shop.stock(&[("A", 9)]).await;
        let (due, sold, fresh) = (order(), order(), order());
        shop.reserve(due, &[("A", 1)]).await.expect("there is enough");
        shop.reserve(sold, &[("A", 2)]).await.expect("there is enough");
        shop.commit(sold).await.expect("in time");
        shop.clock.advance(TTL - Duration::from_micros(1));
        shop.reserve(fresh, &[("A", 3)]).await.expect("there is enough");

        let sweep = shop.sweep(ReservationsConfig::default());
        assert_eq!(sweep.pass().await.expect("a pass"), 0, "a microsecond early");
        shop.clock.advance(Duration::from_micros(1));
        assert_eq!(sweep.pass().await.expect("a pass"), 1);
        assert_eq!(sweep.pass().await.expect("a pass"), 0);
        assert_eq!(outcome(shop.reservation(due).await), Ok(Expired));
        assert_eq!(shop.books().await["A"], (4, 3, 2));
    }
}

#[tokio::test]
async fn a_release_after_the_expiry_moves_no_stock_and_a_late_commit_learns_of_it() {
    for shop in shops().await {
        shop.stock(&[("A", 5)]).await;
        let order = order();
        shop.reserve(order, &[("A", 2)]).await.expect("there is enough");
        shop.clock.advance(TTL);
        shop.sweep(ReservationsConfig::default()).pass().await.expect("a pass");
        assert_eq!(outcome(shop.release(order).await), Ok(Released));
        assert_eq!(shop.books().await["A"], (5, 0, 0));
        assert_eq!(outcome(shop.commit(order).await), Err(Code::Compensated));
    }
}

#[tokio::test]
async fn a_pass_is_bounded_and_replicas_share_the_work() {
    for shop in shops().await {
        let replica = shop.replica().await;
        claims(&shop, 12).await;
        let config = ReservationsConfig { sweep_batch: 5, ..ReservationsConfig::default() };
        let (ours, theirs) = (shop.sweep(config.clone()), replica.sweep(config));
        assert_eq!(ours.pass().await.expect("a pass"), 5);
        let mut left = 7;
        while left > 0 {
            let (one, other) = tokio::join!(ours.pass(), theirs.pass());
            let expired = one.expect("a pass") + other.expect("a pass");
            assert!((1..=left).contains(&expired), "{expired} of {left}: each lapses once");
            left -= expired;
        }
        assert_eq!(shop.books().await["A"], (100, 0, 0));
    }
}

#[tokio::test]
async fn the_sweep_runs_by_itself_until_shutdown() {
    for shop in shops().await {
        claims(&shop, 7).await;
        let config = ReservationsConfig { sweep_ms: 10, sweep_batch: 2, ..ReservationsConfig::default() };
        let shutdown = CancellationToken::new();
        let sweeping = tokio::spawn(shop.sweep(config).run(None, "inventory-1".into(), shutdown.clone()));
        testkit::eventually("all goods to be free again", PATIENCE, || async {
            (shop.available("A").await == 100).then_some(())
        })
        .await;
        shutdown.cancel();
        tokio::time::timeout(PATIENCE, sweeping).await.expect("ends in time").expect("does not panic");
        shop.books().await;
    }
}

/// `count` reservations whose time has run out.
async fn claims(shop: &Shop, count: u32) {
    shop.stock(&[("A", 100)]).await;
    for _ in 0..count {
        shop.reserve(order(), &[("A", 1)]).await.expect("there is enough");
    }
    shop.clock.advance(TTL);
}
