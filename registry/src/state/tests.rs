use std::time::Duration;

use super::*;
use crate::error::Refusal;

const SECOND: Duration = Duration::from_secs(1);

fn service(id: &str, name: &str) -> Service {
    Service {
        id: id.to_owned(),
        name: name.to_owned(),
        tags: Vec::new(),
        address: String::new(),
        port: 1,
        meta: BTreeMap::new(),
        weights: Weights::default(),
        enable_tag_override: false,
        created: 0,
        modified: 0,
    }
}

fn ttl_check(id: &str, service: &str) -> NewCheck {
    NewCheck {
        id: id.to_owned(),
        name: id.to_owned(),
        notes: String::new(),
        status: Status::Passing,
        service: Some(service.to_owned()),
        kind: CheckKind::Ttl(10 * SECOND),
        reap_after: Some(SECOND),
    }
}

fn registered(limits: Limits, now: Instant) -> State {
    let mut state = State::new(limits);
    let checks = vec![ttl_check("c", "web-1")];
    state.register(service("web-1", "web"), checks, ExistingChecks::Keep, now).unwrap();
    state.take_batch().unwrap();
    state
}

fn pass(state: &mut State, id: &str, now: Instant) {
    let report = Report { status: Status::Passing, output: "well".to_owned() };
    state.report(id, report, now).unwrap();
}

#[test]
fn a_heartbeat_that_says_nothing_new_is_not_a_change() {
    let now = Instant::now();
    let mut state = registered(Limits::default(), now);
    let index = state.index();
    pass(&mut state, "c", now);
    assert!(state.take_batch().is_none(), "nothing to journal");
    assert!(!state.sessions().any(|_| true) && state.index() == index);
    assert_eq!(state.checks_of("web-1").next().unwrap().output, "well");
}

#[test]
fn a_ttl_lapses_unless_it_is_renewed() {
    let now = Instant::now();
    let mut state = registered(Limits::default(), now);
    let later = now + 9 * SECOND;
    pass(&mut state, "c", later);
    state.run_checks(now + 18 * SECOND, 0);
    assert_eq!(state.checks_of("web-1").next().unwrap().status, Status::Passing);
    assert_eq!(state.next_check(0), Some(now + 19 * SECOND));
    state.run_checks(now + 19 * SECOND, 0);
    let check = state.checks_of("web-1").next().unwrap();
    assert_eq!(check.status, Status::Critical);
    assert_eq!(check.output, "TTL expired (last output before timeout follows): well");
}

#[test]
fn a_service_that_stays_critical_is_deregistered_after_a_minute_at_least() {
    let now = Instant::now();
    let mut state = registered(Limits::default(), now);
    let lapsed = now + 10 * SECOND;
    state.run_checks(lapsed, 0);
    state.run_checks(lapsed + 59 * SECOND, 0);
    assert!(state.service("web-1").is_some());
    assert_eq!(state.next_check(0), Some(lapsed + 60 * SECOND));
    state.run_checks(lapsed + 60 * SECOND, 0);
    assert!(state.service("web-1").is_none());
    assert_eq!(state.checks().count(), 1, "only the node's own check is left");
    assert!(state.timers.len() <= 1 && state.by_name.is_empty());
}

/// A state with HTTP checks `h0`, `h1`, … of one instance, beside a TTL check.
fn probed(count: usize, now: Instant) -> State {
    let mut state = registered(Limits::default(), now);
    for number in 0..count {
        state.register_check(http_check(number), now).unwrap();
    }
    state
}

fn http_check(number: usize) -> NewCheck {
    let probe = Probe {
        url: "http://127.0.0.1:1/".to_owned(),
        method: "GET".to_owned(),
        headers: BTreeMap::new(),
        body: String::new(),
        interval: SECOND,
        timeout: 60 * SECOND,
    };
    NewCheck { kind: CheckKind::Http(probe), ..ttl_check(&format!("h{number}"), "web-1") }
}

fn warning() -> Report {
    Report { status: Status::Warning, output: String::new() }
}

/// A check that was sent again while its last probe hung filled all places with its own probes.
#[test]
fn an_http_check_has_one_probe_out_at_a_time() {
    let now = Instant::now();
    let mut state = probed(1, now);
    let sent = state.run_checks(now, 64);
    assert_eq!(sent.len(), 1);
    assert!(state.run_checks(now + 5 * SECOND, 64).is_empty());
    assert_eq!(state.next_check(64), Some(now + 10 * SECOND), "the TTL's end, and no sooner");
    state.probed(&sent[0], warning(), now + 5 * SECOND);
    assert_eq!(state.next_check(64), Some(now + 6 * SECOND));
    assert_eq!(state.run_checks(now + 6 * SECOND, 64).len(), 1);
}

#[test]
fn http_checks_wait_for_a_place_and_nothing_else_does() {
    let now = Instant::now();
    let mut state = probed(3, now);
    let first = state.run_checks(now, 2);
    assert_eq!((first.len(), state.next_check(0)), (2, Some(now + 10 * SECOND)), "the TTL's end");
    assert_eq!(state.next_check(1), Some(now), "the third waits");
    let lapsed = now + 10 * SECOND;
    assert!(state.run_checks(lapsed, 0).is_empty());
    assert_eq!(state.check("c").unwrap().status, Status::Critical);
    state.probed(&first[0], warning(), now);
    let next = state.run_checks(lapsed, 1);
    assert!(next.len() == 1 && first.iter().all(|due| due.check != next[0].check), "who waited longest");
}

#[test]
fn a_probe_of_an_earlier_registration_has_nothing_to_say() {
    let now = Instant::now();
    let mut state = probed(1, now);
    let old = state.run_checks(now, 64);
    state.deregister_check("h0", now).unwrap();
    state.register_check(http_check(0), now).unwrap();
    let new = state.run_checks(now, 64);
    state.probed(&old[0], warning(), now);
    assert_eq!(state.check("h0").unwrap().status, Status::Passing);
    assert_eq!(state.next_check(64), Some(now + 10 * SECOND), "the new one is out still");
    state.probed(&new[0], warning(), now);
    assert_eq!(state.check("h0").unwrap().status, Status::Warning);
}

#[test]
fn an_index_never_goes_back_while_services_come_go_and_are_renamed() {
    let now = Instant::now();
    let mut state = State::new(Limits::default());
    let mut before = [0; 3];
    let names = ["a", "b", "c"];
    for round in 0..60_usize {
        let (id, name) = (format!("i{}", round % 4), names[(round * 7 + round / 5) % 3]);
        if round % 3 == 2 {
            state.deregister(&id, now).ok();
        } else {
            let checks = vec![ttl_check(&format!("c{id}"), &id)];
            state.register(service(&id, name), checks, ExistingChecks::Keep, now).unwrap();
        }
        state.take_batch();
        let after = names.map(|name| state.service_index(name));
        assert!(after.iter().zip(before).all(|(after, before)| *after >= before), "round {round}");
        before = after;
    }
}

#[test]
fn a_rename_takes_the_instance_out_of_its_old_service() {
    let now = Instant::now();
    let mut state = registered(Limits::default(), now);
    let index = state.service_index("web");
    state.register(service("web-1", "shop"), Vec::new(), ExistingChecks::Keep, now).unwrap();
    assert_eq!(state.instances("web").count(), 0);
    assert_eq!(state.instances("shop").count(), 1);
    assert!(state.service_index("web") > index);
}

#[test]
fn the_same_registration_again_changes_nothing_but_renews_the_ttl() {
    let now = Instant::now();
    let mut state = registered(Limits::default(), now);
    let again = vec![ttl_check("c", "web-1")];
    state.register(service("web-1", "web"), again, ExistingChecks::Keep, now + 5 * SECOND).unwrap();
    assert!(state.take_batch().is_none());
    assert_eq!(state.next_check(0), Some(now + 15 * SECOND));
}

#[test]
fn bounds_hold() {
    let now = Instant::now();
    let mut state =
        registered(Limits { services: 1, checks: 2, keys: 1, key_bytes: 10, ..Limits::default() }, now);
    let keep = ExistingChecks::Keep;
    assert!(matches!(state.register(service("x", "x"), vec![], keep, now), Err(Refusal::Full(_))));
    let second = vec![ttl_check("d", "web-1")];
    assert!(matches!(state.register(service("web-1", "web"), second, keep, now), Err(Refusal::Full(_))));
    let mut put = |key: &str, value: &str| state.put(key, value.into(), 0, Guard::Always, Lease::Keep, now);
    assert_eq!(put("k", "123456789"), Ok(true));
    assert!(matches!(put("k", "1234567890"), Err(Refusal::Full(_))));
    assert!(matches!(put("l", ""), Err(Refusal::Full(_))));
    assert_eq!(put("k", ""), Ok(true));
}

#[test]
fn a_snapshot_rebuilds_the_same_state() {
    let now = Instant::now();
    let mut state = registered(Limits::default(), now);
    state.put("k", b"v".to_vec(), 7, Guard::Always, Lease::Keep, now).unwrap();
    let mut copy = State::new(Limits::default());
    copy.replay(Batch { index: state.index(), records: state.snapshot().collect() });
    assert_eq!(copy.services, state.services);
    assert_eq!(copy.checks, state.checks);
    assert_eq!(copy.entries, state.entries);
    assert_eq!((copy.entry_bytes, copy.index()), (state.entry_bytes, state.index()));
    assert_eq!((copy.by_name, copy.by_service), (state.by_name, state.by_service));
}
