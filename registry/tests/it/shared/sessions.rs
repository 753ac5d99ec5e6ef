//! Sessions and the locks that hang on them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::engine::{Engine, eventually};

async fn session(engine: &Engine, body: Value) -> String {
    let created = engine.http.put_json("/v1/session/create", body).await.ok().json();
    created["ID"].as_str().unwrap().to_owned()
}

async fn acquire(engine: &Engine, key: &str, session: &str) -> bool {
    let reply = engine.http.put(&format!("/v1/kv/{key}?acquire={session}"), session.to_owned()).await;
    reply.ok().json() == true
}

async fn entry(engine: &Engine, key: &str) -> Value {
    engine.http.get(&format!("/v1/kv/{key}")).await.ok().json()[0].clone()
}

pub async fn a_lock_has_one_holder(engine: &Engine) {
    let http = &engine.http;
    let (a, b) = (session(engine, json!({})).await, session(engine, json!({})).await);
    assert!(acquire(engine, "lock/one", &a).await);
    assert!(acquire(engine, "lock/one", &a).await, "again, by its holder");
    assert!(!acquire(engine, "lock/one", &b).await);
    let held = entry(engine, "lock/one").await;
    assert_eq!((&held["Session"], &held["LockIndex"]), (&json!(a), &json!(1)));
    let release = |session: &str| format!("/v1/kv/lock/one?release={session}");
    assert_eq!(http.put(&release(&b), "").await.ok().json(), false);
    http.put("/v1/kv/lock/one", "a plain write").await.ok();
    assert_eq!(entry(engine, "lock/one").await["Session"], json!(a), "a plain write leaves the lock alone");
    assert_eq!(http.put(&release(&a), "").await.ok().json(), true);
    assert!(entry(engine, "lock/one").await.get("Session").is_none());
    assert!(acquire(engine, "lock/one", &b).await, "a release leaves no delay");
    let reply = http.put("/v1/kv/lock/one?acquire=00000000-0000-4000-8000-000000000000", "").await;
    assert_eq!(reply.status, 500);
    assert!(reply.text.contains("invalid session"), "{reply:?}");
}

pub async fn a_lost_lock_stays_closed_for_its_delay(engine: &Engine) {
    let a = session(engine, json!({ "LockDelay": "5s" })).await;
    let b = session(engine, json!({ "LockDelay": "0s" })).await;
    assert!(acquire(engine, "lock/delay", &a).await);
    let lost = Instant::now();
    engine.http.put(&format!("/v1/session/destroy/{a}"), "").await.ok();
    assert!(entry(engine, "lock/delay").await.get("Session").is_none());
    assert!(!acquire(engine, "lock/delay", &b).await);
    eventually("the delay ends", || async { acquire(engine, "lock/delay", &b).await.then_some(()) }).await;
    assert!(lost.elapsed() >= Duration::from_secs(5));
    engine.http.put(&format!("/v1/session/destroy/{b}"), "").await.ok();
    let c = session(engine, json!({})).await;
    assert!(acquire(engine, "lock/delay", &c).await, "a delay of zero is none");
}

pub async fn a_session_dies_with_its_check_and_wakes_the_standby(engine: &Engine) {
    let http = &engine.http;
    let check = json!({ "CheckID": "bound-check", "TTL": "60s", "Status": "passing" });
    http.register(json!({ "Name": "bound", "Check": check })).await;
    let checks = json!({ "NodeChecks": ["serfHealth"], "ServiceChecks": [{ "ID": "bound-check" }] });
    let id = session(engine, checks.clone()).await;
    let old_style = session(engine, json!({ "Checks": ["serfHealth", "bound-check"] })).await;
    assert!(acquire(engine, "lock/bound", &id).await);
    let index = entry(engine, "lock/bound").await["ModifyIndex"].as_u64().unwrap();
    let path = format!("/v1/kv/lock/bound?index={index}&wait=30s");
    let (woken, failed) = tokio::join!(http.get(&path), http.put("/v1/agent/check/fail/bound-check", ""));
    failed.ok();
    assert!(woken.ok().json()[0].get("Session").is_none());
    for id in [&id, &old_style] {
        assert_eq!(http.get(&format!("/v1/session/info/{id}")).await.ok().json(), json!([]));
    }
    let refused = http.put_json("/v1/session/create", checks.clone()).await;
    assert!(refused.status >= 400 && refused.text.contains("critical"), "{refused:?}");

    http.put("/v1/agent/check/pass/bound-check", "").await.ok();
    let id = session(engine, checks).await;
    http.put("/v1/agent/service/deregister/bound", "").await.ok();
    assert_eq!(http.get(&format!("/v1/session/info/{id}")).await.ok().json(), json!([]));
}

pub async fn a_session_that_is_not_renewed_ends(engine: &Engine) {
    let begun = Instant::now();
    let id = session(engine, json!({ "TTL": "5s", "LockDelay": "0s" })).await;
    assert!(acquire(engine, "lock/ttl", &id).await);
    let path = format!("/v1/session/info/{id}");
    eventually("the session ends", || async {
        (engine.http.get(&path).await.json() == json!([])).then_some(())
    })
    .await;
    assert!(begun.elapsed() >= Duration::from_secs(5), "ended before its TTL");
    assert!(entry(engine, "lock/ttl").await.get("Session").is_none());
    assert_eq!(engine.http.put(&format!("/v1/session/renew/{id}"), "").await.status, 404);
}

pub async fn destroying_with_behavior_delete_deletes_the_key(engine: &Engine) {
    let id = session(engine, json!({ "Behavior": "delete" })).await;
    assert!(acquire(engine, "lock/ephemeral", &id).await);
    assert_eq!(engine.http.put(&format!("/v1/session/destroy/{id}"), "").await.ok().json(), true);
    assert_eq!(engine.http.get("/v1/kv/lock/ephemeral").await.status, 404);
    let again = engine.http.put(&format!("/v1/session/destroy/{id}"), "").await;
    assert_eq!(again.ok().json(), true, "destroyed already");
}

pub async fn sessions_are_listed_and_renewed(engine: &Engine) {
    let http = &engine.http;
    let id = session(engine, json!({ "Name": "listed", "TTL": "30s", "LockDelay": "5s" })).await;
    let info = http.get(&format!("/v1/session/info/{id}")).await.ok();
    assert!(info.index > 0);
    let shown = &info.json()[0];
    assert_eq!((&shown["Name"], &shown["TTL"]), (&json!("listed"), &json!("30s")));
    assert_eq!((&shown["LockDelay"], &shown["Behavior"]), (&json!(5_000_000_000_u64), &json!("release")));
    assert_eq!((&shown["Node"], &shown["NodeChecks"]), (&json!("tradewind"), &json!(["serfHealth"])));
    assert!(http.get("/v1/session/list").await.ok().text.contains(&id));
    assert!(http.get("/v1/session/node/tradewind").await.ok().text.contains(&id));
    assert_eq!(http.get("/v1/session/node/elsewhere").await.ok().json(), json!([]));
    assert_eq!(http.put(&format!("/v1/session/renew/{id}"), "").await.ok().json()[0]["ID"], json!(id));
    let bare = http.put("/v1/session/create", "").await.ok().json();
    assert!(bare["ID"].is_string(), "no body at all will do");
}

pub async fn bad_sessions_are_refused(engine: &Engine) {
    let http = &engine.http;
    for body in [
        json!({ "TTL": "500ms" }),
        json!({ "TTL": "25h" }),
        json!({ "TTL": "soon" }),
        json!({ "Behavior": "bogus" }),
        json!({ "Node": "elsewhere" }),
        json!({ "Checks": ["no such check"] }),
        json!({ "LockDelay": "soon" }),
        json!({ "Name": 1 }),
    ] {
        let reply = http.put_json("/v1/session/create", body.clone()).await;
        // Consul answers some of these with 500.
        assert!([400, 500].contains(&reply.status) && !reply.text.is_empty(), "{body}: {reply:?}");
    }
    assert!([400, 500].contains(&http.get("/v1/session/info/nobody").await.status));
    assert!([400, 500].contains(&http.put("/v1/session/renew/nobody", "").await.status));
    assert!([400, 500].contains(&http.put("/v1/session/destroy/nobody", "").await.status));
}
