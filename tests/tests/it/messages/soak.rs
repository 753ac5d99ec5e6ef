//! Orders in all three coordinations while one process after another dies, every two seconds, in an order
//! that chance decides; the broker included.
//!
//! `TRADEWIND_SOAK_ORDERS` sets how many orders there are (300 by default; `.ci/run` takes 2,000).

use std::time::Duration;

use contracts::orders::Coordination;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use system_tests::load::{Answer, Load, tally};
use system_tests::shop::{PATIENCE, Shop};
use testkit::eventually;

use super::ground::{Mortal, mortals};

const CARDS: [&str; 6] =
    ["tok_approve", "tok_approve", "tok_decline", "tok_approve", "tok_flaky", "tok_charge_then_time_out"];
/// Everybody who can die, as `status` names them; the broker comes besides, which may be none of the shop's.
const MORTALS: [&str; 11] = [
    "gateway",
    "catalog",
    "inventory",
    "payments",
    "shipping",
    "card-network",
    "registry",
    "config-server",
    "orders",
    "notifications",
    "recommendations",
];
const EVERY: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_go_on_while_one_process_after_another_dies() {
    for broker in mortals().await {
        let shop = broker.shop().await;
        shop.configure("orders", "saga.lease_ms", 2_000).await;
        shop.configure("orders", "saga.resend_ms", 5_000).await;
        let wanted: usize =
            std::env::var("TRADEWIND_SOAK_ORDERS").ok().and_then(|text| text.parse().ok()).unwrap_or(300);
        // who dies is decided by this number alone, so that a bad run can be repeated
        let mut chance = SmallRng::seed_from_u64(0x7ade_0050);
        let load = Load::coordinated(&shop, &CARDS, &Coordination::ALL);
        let (mut deaths, mut round) = (Vec::new(), Vec::new());
        while load.placed() < wanted || !deaths.contains(&"broker") {
            tokio::time::sleep(EVERY).await;
            if round.is_empty() {
                round = next_round(&mut chance, deaths.is_empty());
            }
            let victim = round.pop().expect("somebody");
            deaths.push(victim);
            if let (Mortal::RabbitMq(_), "broker") = (&broker, victim) {
                broker.die(&shop, async || {}).await;
            } else if running(&shop, victim).await {
                shop.kill(victim).await;
            }
        }
        let told = load.stop().await;
        println!("{} deaths: {deaths:?}; told: {:?}", deaths.len(), tally(&told.answers));
        let improper: Vec<_> =
            told.answers.iter().filter(|answer| matches!(answer, Answer::Improper(_))).collect();
        assert!(improper.is_empty(), "{improper:?}");
        everybody_is_back(&shop).await;
        let known = told.orders();
        assert!(known.len() >= wanted / 2, "most customers were told of an order: {}", known.len());
        for id in &known {
            shop.rest(*id).await;
        }
        let report = shop.audit_clean(&known).await;
        println!("{:?}", report.orders);
        shop.stop().await;
    }
}

/// Everybody once, in an order that chance decides, so that nobody is spared. In the first round the broker
/// is the last: a RabbitMQ 3.10 that is killed within seconds of declaring its first stream was seen never to
/// bring it back, and that is not what this is about.
fn next_round(chance: &mut SmallRng, first: bool) -> Vec<&'static str> {
    let mut round = MORTALS.to_vec();
    let place = if first { 0 } else { chance.random_range(0..=round.len()) };
    round.shuffle(chance);
    round.insert(place, "broker");
    round
}

/// Whether a process runs now: one that died a moment ago may not be back yet.
async fn running(shop: &Shop, name: &str) -> bool {
    shop.process(name).await.pid.is_some()
}

async fn everybody_is_back(shop: &Shop) {
    eventually("every process to be ready", PATIENCE, async || shop.status().await.ready.then_some(())).await;
}
