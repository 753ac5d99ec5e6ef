//! Who relays: one of all instances, and another when that one is gone.

use super::scripted::Then;
use super::*;

/// A lease that no test outlives.
const LONG: Pace = Pace { lease: Duration::from_secs(3600), ..FAST };

#[tokio::test]
async fn one_relay_leads_and_another_takes_over_when_it_was_killed() {
    for shop in shops().await {
        let other = shop.another().await;
        let broker = Arc::new(Scripted::working());
        let leader = shop.mailbox.relaying(&broker);
        shop.mailbox.is(RelayState::Leading).await;
        let _standby = other.relaying(&broker);
        shop.post(&events(3)).await;
        shop.all_published().await;
        assert_eq!(other.state(), RelayState::StandingBy, "on {}", shop.database.name);
        leader.kill().await;
        shop.post(&events(3)).await;
        // only the lease's end lets the other in
        shop.lapse().await;
        other.is(RelayState::Leading).await;
        shop.all_published().await;
    }
}

#[tokio::test]
async fn a_lease_that_was_not_given_up_is_waited_for() {
    for shop in shops().await {
        let other = shop.another().await;
        let broker = Arc::new(Scripted::working());
        let leader = shop.mailbox.clone().at(LONG).relaying(&broker);
        shop.mailbox.is(RelayState::Leading).await;
        leader.kill().await;
        let books = other.0.as_ref().expect("is open").books.clone();
        let lease = Lease::new(&books, LONG.lease);
        let taken = tokio::time::timeout(Duration::from_millis(200), lease.take(LONG.standby)).await;
        taken.expect_err("somebody else's");
    }
}

#[tokio::test]
async fn a_lease_that_nobody_renews_lapses() {
    for shop in shops().await {
        let books = shop.mailbox.0.as_ref().expect("is open").books.clone();
        Lease::new(&books, Duration::from_millis(300)).take(FAST.standby).await;
        let next = Lease::new(&books, FAST.lease);
        let taken = tokio::time::timeout(PATIENCE, next.take(FAST.standby)).await;
        taken.unwrap_or_else(|_| panic!("no lease on {}", shop.database.name));
    }
}

#[tokio::test]
async fn a_relay_that_is_told_to_stop_gives_up_its_lease_at_once() {
    for shop in shops().await {
        let other = shop.another().await.at(LONG);
        let broker = Arc::new(Scripted::working());
        let leader = shop.mailbox.clone().at(LONG).relaying(&broker);
        shop.mailbox.is(RelayState::Leading).await;
        let _standby = other.relaying(&broker);
        leader.stop().await;
        other.is(RelayState::Leading).await;
        assert_eq!(shop.mailbox.state(), RelayState::StandingBy, "on {}", shop.database.name);
    }
}

#[tokio::test]
async fn a_relay_that_does_not_reach_the_broker_lets_another_try() {
    for shop in shops().await {
        let other = shop.another().await.at(LONG);
        let unreachable = Arc::new(Scripted::new(|_, _| Then::Away));
        let _cut_off = shop.mailbox.clone().at(LONG).relaying(&unreachable);
        shop.mailbox.is(RelayState::Leading).await;
        let broker = Arc::new(Scripted::working());
        let _standby = other.relaying(&broker);
        let messages = events(3);
        shop.post(&messages).await;
        shop.all_published().await;
        assert_eq!(broker.heard(), ids(&messages), "on {}", shop.database.name);
        assert!(shop.mailbox.report().trouble.expect("is told").contains("as the test wants"));
    }
}

#[tokio::test]
async fn a_relay_whose_lease_another_has_stops_leading() {
    for shop in shops().await {
        let broker = Arc::new(Scripted::working());
        // it looks three times while a lease holds
        let pace = Pace { lease: Duration::from_secs(1), ..FAST };
        let _relay = shop.mailbox.clone().at(pace).relaying(&broker);
        shop.mailbox.is(RelayState::Leading).await;
        let taking = "UPDATE test_relay SET owner = 'another', lapses_at = lapses_at + 3600000000";
        let mut tx = shop.store.begin().await.expect("begins");
        sqlx::query(taking).execute(&mut *tx).await.expect("takes it");
        commit(tx).await.expect("commits");
        shop.mailbox.is(RelayState::StandingBy).await;
    }
}
