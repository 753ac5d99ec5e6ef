//! The discovery client, which must not be able to tell the engines apart.

use std::time::Duration;

use chassis::discovery::{
    Directory, Discovery, DiscoveryError, Instance, Lock, LockRequest, Registration, SessionRequest,
};
use serde_json::json;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::engine::{Engine, PATIENCE, eventually};

fn instance(service: &str, id: &str, address: &str) -> Instance {
    let meta = [("zone".to_owned(), "a".to_owned())].into();
    Instance { id: id.to_owned(), service: service.to_owned(), address: address.to_owned(), meta }
}

fn lock(key: &str, holder: &str, check: Option<&str>) -> LockRequest {
    LockRequest {
        key: key.to_owned(),
        holder: holder.to_owned(),
        check: check.map(str::to_owned),
        session_ttl: Duration::from_secs(10),
        lock_delay: Duration::from_millis(200),
    }
}

pub async fn an_instance_appears_and_disappears(engine: &Engine) {
    let stop = CancellationToken::new();
    let directory = Directory::new(engine.client(), stop.clone());
    let mut changes = directory.changed("roundtrip");
    assert!(directory.instances("roundtrip").is_empty());
    let start = |id: &str, address: &str| {
        let instance = instance("roundtrip", id, address);
        Registration::start(engine.client(), instance, Duration::from_secs(3), &stop)
    };
    let second = start("roundtrip-b", "[::1]:2");
    let first = start("roundtrip-a", "127.0.0.1:1");
    first.registered().await.unwrap();
    let both = timeout(PATIENCE, changes.wait_for(|seen| seen.len() == 2)).await.unwrap().unwrap().clone();
    let expected = [
        instance("roundtrip", "roundtrip-a", "127.0.0.1:1"),
        instance("roundtrip", "roundtrip-b", "[::1]:2"),
    ];
    assert_eq!(*both, expected, "in order of their ids, whole");
    second.deregister().await;
    timeout(PATIENCE, changes.wait_for(|seen| seen.len() == 1)).await.unwrap().unwrap();
    drop(first);
    timeout(PATIENCE, changes.wait_for(|seen| seen.is_empty())).await.unwrap().unwrap();

    // One that dies without a word goes with its TTL.
    let body = json!({ "Name": "roundtrip", "Port": 9, "Check": { "TTL": "5s", "Status": "passing" } });
    engine.http.register(body).await;
    let seen = timeout(PATIENCE, changes.wait_for(|seen| seen.len() == 1)).await.unwrap().unwrap().clone();
    assert_eq!(seen[0].address, "127.0.0.1:9", "without an address of its own, that of its node");
    timeout(PATIENCE, changes.wait_for(|seen| seen.is_empty())).await.unwrap().unwrap();
    stop.cancel();
}

pub async fn a_registration_outlives_the_registrys_memory_of_it(engine: &Engine) {
    let stop = CancellationToken::new();
    let instance = instance("forgotten", "forgotten-1", "127.0.0.1:1");
    let registration = Registration::start(engine.client(), instance, Duration::from_secs(1), &stop);
    registration.registered().await.unwrap();
    engine.client().deregister("forgotten-1").await.unwrap();
    engine.client().deregister("forgotten-1").await.expect("no error the second time");
    let healthy = || async { engine.client().healthy("forgotten", 0, Duration::ZERO).await.unwrap().value };
    eventually("it is back", || async { (healthy().await.len() == 1).then_some(()) }).await;
    // A check that was failed from outside passes again with the next heartbeat.
    engine.http.put("/v1/agent/check/fail/service:forgotten-1", "").await.ok();
    eventually("it passes again", || async { (healthy().await.len() == 1).then_some(()) }).await;
    registration.deregister().await;
    assert!(healthy().await.is_empty());
}

pub async fn a_standby_takes_the_lock_over_with_a_greater_token(engine: &Engine) {
    let (client, stop) = (engine.client(), CancellationToken::new());
    let first = Lock::hold(&client, lock("lead/over", "first", None), &stop).await.unwrap();
    let (standby, standby_stop) = (client.clone(), stop.clone());
    let second = tokio::spawn(async move {
        Lock::hold(&standby, lock("lead/over", "second", None), &standby_stop).await.unwrap()
    });
    eventually("both have a session", || async {
        let sessions = engine.http.get("/v1/session/list").await.ok().text;
        (sessions.contains("\"first\"") && sessions.contains("\"second\"")).then_some(())
    })
    .await;
    assert!(!second.is_finished() && !first.lost().is_cancelled());
    let (token, lost) = (first.fencing_token(), first.lost());
    first.release().await;
    assert!(lost.is_cancelled(), "a released lock is held no longer");
    let second = timeout(PATIENCE, second).await.unwrap().unwrap();
    assert!(second.fencing_token() > token);
    let entry = client.kv_get("lead/over", 0, Duration::ZERO).await.unwrap().value.unwrap();
    assert_eq!((entry.value, entry.modify_index), (b"second".to_vec(), second.fencing_token()));

    // Who waits in vain can be told to stop, and leaves no session behind.
    let third_stop = stop.child_token();
    let waiting = Lock::hold(&client, lock("lead/over", "third", None), &third_stop);
    let (waited, ()) = tokio::join!(waiting, async {
        let path = "/v1/session/list";
        eventually("the third waits", || async {
            engine.http.get(path).await.text.contains("\"third\"").then_some(())
        })
        .await;
        third_stop.cancel();
    });
    assert!(matches!(waited, Err(DiscoveryError::ShuttingDown)));
    eventually("the third has left", || async {
        (!engine.http.get("/v1/session/list").await.text.contains("\"third\"")).then_some(())
    })
    .await;
    assert!(!second.lost().is_cancelled());
}

pub async fn a_holder_learns_that_its_lock_is_lost(engine: &Engine) {
    let (client, stop) = (engine.client(), CancellationToken::new());
    let instance = instance("leader", "leader-1", "127.0.0.1:1");
    let registration = Registration::start(client.clone(), instance, Duration::from_secs(60), &stop);
    registration.registered().await.unwrap();
    // The keeper renews every 40 s: only the watch of the key can tell within our patience.
    let request = LockRequest {
        session_ttl: Duration::from_secs(120),
        ..lock("lead/lost", "leader-1", Some(registration.check()))
    };
    let held = Lock::hold(&client, request.clone(), &stop).await.unwrap();
    engine.http.put(&format!("/v1/agent/check/fail/{}", registration.check()), "").await.ok();
    timeout(PATIENCE, held.lost().cancelled()).await.expect("told at once, not after a TTL");
    // The instance recovers, and so may lead again.
    client.pass(registration.check()).await.unwrap();
    let again = timeout(PATIENCE, Lock::hold(&client, request, &stop)).await.unwrap().unwrap();
    assert!(again.fencing_token() > held.fencing_token());
    again.release().await;
    registration.deregister().await;
}

pub async fn the_typed_calls_agree_with_the_registry(engine: &Engine) {
    let client = engine.client();
    let now = Duration::ZERO;
    assert!(client.kv_cas("typed/key", b"one".to_vec(), 0).await.unwrap());
    assert!(!client.kv_cas("typed/key", b"two".to_vec(), 0).await.unwrap());
    let entry = client.kv_get("typed/key", 0, now).await.unwrap().value.unwrap();
    assert_eq!((entry.key.as_str(), entry.value.as_slice(), entry.session), ("typed/key", &b"one"[..], None));
    assert!(client.kv_cas("typed/key", vec![0, 1, 254, 255], entry.modify_index).await.unwrap());
    assert_eq!(client.kv_get("typed/key", 0, now).await.unwrap().value.unwrap().value, [0, 1, 254, 255]);
    client.kv_put("typed/odd ?&#%/key", b"x".to_vec()).await.unwrap();
    let odd = client.kv_get("typed/odd ?&#%/key", 0, now).await.unwrap().value.unwrap();
    assert_eq!(odd.key, "typed/odd ?&#%/key");
    client.kv_delete("typed/key").await.unwrap();
    assert_eq!(client.kv_get("typed/key", 0, now).await.unwrap().value, None);

    let wanted = SessionRequest {
        name: "typed".to_owned(),
        ttl: Duration::from_secs(10),
        lock_delay: Duration::ZERO,
        check: None,
    };
    let session = client.session_create(&wanted).await.unwrap();
    client.session_renew(&session).await.unwrap();
    assert!(client.lock_acquire("typed/lock", &session, b"me".to_vec()).await.unwrap());
    let held = client.kv_get("typed/lock", 0, now).await.unwrap().value.unwrap();
    assert_eq!(held.session.as_ref(), Some(&session));
    assert!(client.lock_release("typed/lock", &session).await.unwrap());
    client.session_destroy(&session).await.unwrap();
    let unknown = |result: Result<(), DiscoveryError>| matches!(result, Err(DiscoveryError::Unknown { .. }));
    assert!(unknown(client.session_renew(&session).await));
    assert!(unknown(client.lock_acquire("typed/lock", &session, Vec::new()).await.map(drop)));
    assert!(unknown(client.pass("typed-check").await));
    let nowhere = instance("typed", "typed", "no port");
    let refused = client.register(&nowhere, "typed", Duration::from_secs(1)).await;
    assert!(matches!(refused, Err(DiscoveryError::Refused { status: 400, .. })));
}
