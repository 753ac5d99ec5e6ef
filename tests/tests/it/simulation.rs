//! The saga in simulation: see `system_tests::sim`.

use contracts::orders::Coordination;
use system_tests::sim::{Bug, Crashes, Outcome, Plan, Weather, simulate};

/// How many seeds a run tries; `TRADEWIND_SIM_SEEDS` sets another number.
fn seeds() -> u64 {
    std::env::var("TRADEWIND_SIM_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1000)
}

fn foul(seed: u64, coordination: Option<Coordination>) -> Plan {
    Plan { seed, shoppers: 8, coordination, crashes: Crashes::Sometimes, weather: Weather::Foul, bug: None }
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

fn expect_the_books_to_agree(coordination: Option<Coordination>) {
    let mut ended = [0usize; 4];
    for seed in 0..seeds() {
        let plan = foul(seed, coordination);
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
fn whatever_fails_and_dies_the_books_agree_in_sync() {
    expect_the_books_to_agree(Some(Coordination::Sync));
}

#[test]
fn whatever_fails_and_dies_the_books_agree_in_orchestration() {
    expect_the_books_to_agree(Some(Coordination::Orchestrated));
}

#[test]
fn whatever_fails_and_dies_the_books_agree_in_choreography() {
    expect_the_books_to_agree(Some(Coordination::Choreographed));
}

#[test]
fn a_death_at_every_single_point_of_an_order_does_no_harm() {
    for coordination in Coordination::ALL {
        let plan =
            |crashes| Plan { shoppers: 1, crashes, weather: Weather::Fair, ..foul(7, Some(coordination)) };
        let points = simulate(plan(Crashes::Never)).points;
        println!("{coordination:?}: {points} points");
        assert!(points > 20, "an order has more points than {points}");
        for point in 0..points {
            let plan = plan(Crashes::At(point));
            let outcome = simulate(plan);
            assert!(outcome.log.iter().any(|line| line.contains("dies at")), "it died at point {point}");
            expect_clean(plan, &outcome);
        }
    }
}

#[test]
fn equal_seeds_have_equal_histories() {
    for seed in 0..20 {
        // each shopper chooses a coordination
        let plan = foul(seed, None);
        assert_eq!(simulate(plan).log, simulate(plan).log, "seed {seed}");
    }
}

#[track_caller]
fn expect_found(bug: Bug, coordinations: &[Coordination]) {
    let mut plans = (0..seeds()).flat_map(|seed| {
        coordinations
            .iter()
            .map(move |coordination| Plan { bug: Some(bug), ..foul(seed, Some(*coordination)) })
    });
    let found = plans.find_map(|plan| {
        let findings = simulate(plan).findings;
        findings.into_iter().next().map(|finding| (plan, finding))
    });
    let (Plan { seed, coordination, .. }, finding) =
        found.unwrap_or_else(|| panic!("{bug:?} was not found in {} seeds", seeds()));
    println!("{bug:?} is found by seed {seed} in {coordination:?}: {finding}");
}

#[test]
fn every_planted_bug_is_found_where_calls_drive() {
    for bug in Bug::OF_CALLS {
        expect_found(bug, &[Coordination::Sync]);
    }
}

/// Two guards stand before a second answer to one message: the inbox, and effects that are keyed by the
/// order. Without the first, the second alone must do.
#[test]
fn without_an_inbox_nothing_is_done_twice() {
    for coordination in [Coordination::Orchestrated, Coordination::Choreographed] {
        for seed in 0..seeds() / 5 {
            let plan = Plan { bug: Some(Bug::NoInbox), ..foul(seed, Some(coordination)) };
            expect_clean(plan, &simulate(plan));
        }
    }
}

#[test]
fn every_planted_bug_is_found_where_messages_drive() {
    for bug in Bug::OF_MESSAGES {
        expect_found(bug, &[Coordination::Orchestrated, Coordination::Choreographed]);
    }
}
