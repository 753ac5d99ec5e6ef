//! The saga in simulation: see `system_tests::sim`.

use system_tests::sim::run::Weather;
use system_tests::sim::{Bug, Crashes, Outcome, Plan, simulate};

/// How many seeds a run tries; `TRADEWIND_SIM_SEEDS` sets another number.
fn seeds() -> u64 {
    std::env::var("TRADEWIND_SIM_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1000)
}

fn foul(seed: u64) -> Plan {
    Plan { seed, shoppers: 8, crashes: Crashes::Sometimes, network: Weather::Foul, bug: None }
}

#[track_caller]
fn expect_clean(plan: Plan, outcome: &Outcome) {
    assert!(
        outcome.findings.is_empty(),
        "{plan:?}\n{}\n\n{}",
        outcome.findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        outcome.log.join("\n")
    );
}

#[test]
fn whatever_fails_and_dies_the_books_agree() {
    let mut ended = [0usize; 4];
    for seed in 0..seeds() {
        let plan = foul(seed);
        let outcome = simulate(plan);
        expect_clean(plan, &outcome);
        let orders = &outcome.report.orders;
        let counts = [orders.confirmed, orders.rejected, orders.cancelled, orders.refunded];
        ended.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
    let [confirmed, rejected, cancelled, refunded] = ended;
    println!("confirmed {confirmed}, rejected {rejected}, cancelled {cancelled}, refunded {refunded}");
    // a simulation in which some ending never occurs shows nothing about it
    assert!(ended.iter().all(|count| *count > 0), "{ended:?}");
}

#[test]
fn a_death_at_every_single_point_of_an_order_does_no_harm() {
    let plan = |crashes| Plan { seed: 7, shoppers: 1, crashes, network: Weather::Fair, bug: None };
    let points = simulate(plan(Crashes::Never)).points.min(200);
    assert!(points > 20, "an order has more points than {points}");
    for point in 0..points {
        let plan = plan(Crashes::At(point));
        let outcome = simulate(plan);
        assert!(outcome.log.iter().any(|line| line.contains("orders dies")), "it died at point {point}");
        expect_clean(plan, &outcome);
    }
}

#[test]
fn equal_seeds_have_equal_histories() {
    for seed in 0..20 {
        assert_eq!(simulate(foul(seed)).log, simulate(foul(seed)).log, "seed {seed}");
    }
}

#[test]
fn every_planted_bug_is_found() {
    for bug in Bug::ALL {
        let found =
            (0..seeds()).find(|seed| !simulate(Plan { bug: Some(bug), ..foul(*seed) }).findings.is_empty());
        let seed = found.unwrap_or_else(|| panic!("{bug:?} was not found in {} seeds", seeds()));
        println!("{bug:?} is found by seed {seed}");
    }
}
