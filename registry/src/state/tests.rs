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
    state.run_checks(now + 18 * SECOND);
    assert_eq!(state.checks_of("web-1").next().unwrap().status, Status::Passing);
    assert_eq!(state.next_check(), Some(now + 19 * SECOND));
    state.run_checks(now + 19 * SECOND);
    let check = state.checks_of("web-1").next().unwrap();
    assert_eq!(check.status, Status::Critical);
    assert_eq!(check.output, "TTL expired (last output before timeout follows): well");
}

#[test]
fn a_service_that_stays_critical_is_deregistered_after_a_minute_at_least() {
    let now = Instant::now();
    let mut state = registered(Limits::default(), now);
    let lapsed = now + 10 * SECOND;
    state.run_checks(lapsed);
    state.run_checks(lapsed + 59 * SECOND);
    assert!(state.service("web-1").is_some());
    assert_eq!(state.next_check(), Some(lapsed + 60 * SECOND));
    state.run_checks(lapsed + 60 * SECOND);
    assert!(state.service("web-1").is_none());
    assert_eq!(state.checks().count(), 1, "only the node's own check is left");
    assert!(state.timers.len() <= 1 && state.by_name.is_empty());
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
    assert_eq!(state.next_check(), Some(now + 15 * SECOND));
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
