//! Services, checks and blocking queries.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::engine::{Engine, eventually};

/// The status of a service's only check.
async fn status(engine: &Engine, service: &str) -> String {
    let checks = engine.http.get(&format!("/v1/health/checks/{service}")).await.ok().json();
    checks[0]["Status"].as_str().unwrap_or_default().to_owned()
}

async fn becomes(engine: &Engine, service: &str, wanted: &str) {
    let what = format!("{service} becomes {wanted}");
    eventually(&what, || async { (status(engine, service).await == wanted).then_some(()) }).await;
}

pub async fn a_service_is_registered_and_shown_in_every_view(engine: &Engine) {
    let http = &engine.http;
    http.register(json!({
        "ID": "views-1", "Name": "views", "Tags": ["a", "b"], "Address": "10.0.0.1", "Port": 8080,
        "Meta": { "version": "1" },
        "Check": { "CheckID": "views-check", "TTL": "60s", "Status": "passing" },
    }))
    .await;
    http.register(json!({ "Name": "views-bare" })).await;

    let own = &http.get("/v1/agent/services").await.ok().json()["views-1"];
    assert_eq!((&own["Service"], &own["Port"]), (&json!("views"), &json!(8080)));
    let bare = &http.get("/v1/agent/services").await.ok().json()["views-bare"];
    assert_eq!(bare["ID"], "views-bare", "the name stands in for a missing id");
    let check = &http.get("/v1/agent/checks").await.ok().json()["views-check"];
    assert_eq!((&check["ServiceID"], &check["Type"]), (&json!("views-1"), &json!("ttl")));

    // Tags come in no particular order.
    let tags = http.get("/v1/catalog/services").await.ok().json()["views"].clone();
    assert!(tags == json!(["a", "b"]) || tags == json!(["b", "a"]), "{tags}");
    let listed = &http.get("/v1/catalog/service/views").await.ok().json()[0];
    assert_eq!((&listed["ServiceID"], &listed["ServicePort"]), (&json!("views-1"), &json!(8080)));
    assert_eq!((&listed["Node"], &listed["ServiceMeta"]["version"]), (&json!("tradewind"), &json!("1")));

    let reply = http.get("/v1/health/service/views?passing&tag=a").await.ok();
    assert!(reply.index > 0);
    assert_eq!(reply.headers["x-consul-knownleader"], "true");
    assert_eq!(reply.headers["x-consul-lastcontact"], "0");
    let health = &reply.json()[0];
    assert_eq!(health["Node"]["Address"], "127.0.0.1");
    assert_eq!(health["Service"]["Address"], "10.0.0.1");
    assert_eq!(health["Service"]["Weights"], json!({ "Passing": 1, "Warning": 1 }));
    let ids: Vec<&Value> = health["Checks"].as_array().unwrap().iter().map(|c| &c["CheckID"]).collect();
    assert!(ids.contains(&&json!("serfHealth")) && ids.contains(&&json!("views-check")), "{ids:?}");
    assert_eq!(http.get("/v1/health/service/views?tag=c").await.ok().json(), json!([]));

    let of_state = http.get("/v1/health/state/passing").await.ok().text;
    assert!(of_state.contains("views-check"));
    assert!(http.get("/v1/health/node/tradewind").await.ok().text.contains("views-check"));
    assert_eq!(http.get("/v1/health/node/elsewhere").await.ok().json(), json!([]));
    assert_eq!(http.get("/v1/catalog/datacenters").await.ok().json(), json!(["dc1"]));
    assert_eq!(http.get("/v1/catalog/nodes").await.ok().json()[0]["Node"], "tradewind");
    assert_eq!(http.get("/v1/agent/self").await.ok().json()["Config"]["NodeName"], "tradewind");
    assert_eq!(http.get("/v1/agent/members").await.ok().json()[0]["Status"], 1);
    let leader = http.get("/v1/status/leader").await.ok().json();
    assert_eq!(http.get("/v1/status/peers").await.ok().json(), json!([leader]));

    http.put("/v1/agent/service/deregister/views-1", "").await.ok();
    assert_eq!(http.get("/v1/health/service/views").await.ok().json(), json!([]));
    assert!(!http.get("/v1/agent/checks").await.ok().text.contains("views-check"), "checks go along");
}

pub async fn a_ttl_check_starts_critical_and_follows_reports(engine: &Engine) {
    let http = &engine.http;
    http.register(json!({ "Name": "ttl", "Check": { "TTL": "60s" } })).await;
    assert_eq!(status(engine, "ttl").await, "critical");
    assert_eq!(http.get("/v1/health/service/ttl?passing=1").await.ok().json(), json!([]));
    for (report, expected) in [("pass", "passing"), ("warn", "warning"), ("fail", "critical")] {
        http.put(&format!("/v1/agent/check/{report}/service:ttl?note=noted"), "").await.ok();
        assert_eq!(status(engine, "ttl").await, expected);
    }
    let update = json!({ "Status": "passing", "Output": "fine" });
    http.put_json("/v1/agent/check/update/service:ttl", update).await.ok();
    let check = &http.get("/v1/health/checks/ttl").await.ok().json()[0];
    assert_eq!((&check["Status"], &check["Output"]), (&json!("passing"), &json!("fine")));

    let alone = json!({ "ID": "ttl-own", "Name": "own", "ServiceID": "ttl", "TTL": "60s" });
    http.put_json("/v1/agent/check/register", alone).await.ok();
    assert_eq!(http.get("/v1/health/service/ttl?passing").await.ok().json(), json!([]));
    http.put("/v1/agent/check/deregister/ttl-own", "").await.ok();
    assert_eq!(http.get("/v1/health/service/ttl?passing").await.ok().json().as_array().unwrap().len(), 1);
}

pub async fn a_ttl_that_lapses_turns_the_check_critical_and_wakes_the_watcher(engine: &Engine) {
    // Long enough for the first look to fit in on a slow machine.
    let check = json!({ "TTL": "5s", "Status": "passing" });
    engine.http.register(json!({ "Name": "lapse", "Check": check })).await;
    let seen = engine.http.get("/v1/health/service/lapse?passing").await.ok();
    assert_eq!(seen.json().as_array().unwrap().len(), 1);
    let path = format!("/v1/health/service/lapse?passing&index={}&wait=30s", seen.index);
    assert_eq!(engine.http.get(&path).await.ok().json(), json!([]));
    let checks = engine.http.get("/v1/health/checks/lapse").await.ok().json();
    assert_eq!(checks[0]["Output"], "TTL expired");
}

pub async fn a_blocking_query_returns_on_change_and_at_the_end_of_its_wait(engine: &Engine) {
    let http = engine.http.clone();
    let index = http.get("/v1/health/service/blocked").await.ok().index;
    assert!(index > 0, "also for a service that does not exist");
    let watcher = {
        let http = http.clone();
        tokio::spawn(async move {
            // Others may wake a watcher of nothing: a return is no promise of change.
            let mut seen = index;
            loop {
                let path = format!("/v1/health/service/blocked?index={seen}&wait=30s");
                let reply = http.get(&path).await.ok();
                assert!(reply.index >= seen, "an index went back");
                seen = reply.index;
                if reply.json() != json!([]) {
                    return seen;
                }
            }
        })
    };
    http.register(json!({ "Name": "blocked", "Port": 1 })).await;
    let seen = watcher.await.unwrap();
    assert!(seen > index);

    let begun = Instant::now();
    let reply = http.get(&format!("/v1/health/service/blocked?index={seen}&wait=300ms")).await.ok();
    assert!(begun.elapsed() >= Duration::from_millis(300), "returned before its time");
    assert_eq!((reply.index, reply.json().as_array().unwrap().len()), (seen, 1));
    let begun = Instant::now();
    http.get("/v1/health/service/blocked?index=0&wait=30s").await.ok();
    http.get("/v1/health/service/blocked?wait=30s").await.ok();
    http.get("/v1/health/service/blocked?index=1&wait=30s").await.ok();
    assert!(begun.elapsed() < Duration::from_secs(20), "an index that is past must not wait");
}

pub async fn the_index_of_one_service_does_not_move_with_another(engine: &Engine) {
    let http = &engine.http;
    let check = json!({ "TTL": "60s", "Status": "passing" });
    http.register(json!({ "Name": "still", "Port": 1 })).await;
    let before = http.get("/v1/health/service/still").await.ok().index;
    http.register(json!({ "Name": "busy", "Port": 1, "Check": check })).await;
    http.put("/v1/agent/check/fail/service:busy", "").await.ok();
    http.put("/v1/agent/service/deregister/busy", "").await.ok();
    assert_eq!(http.get("/v1/health/service/still").await.ok().index, before);
    http.register(json!({ "Name": "still", "Port": 1 })).await;
    assert_eq!(http.get("/v1/health/service/still").await.ok().index, before, "nothing has changed");
    http.register(json!({ "Name": "still", "Port": 2 })).await;
    assert!(http.get("/v1/health/service/still").await.ok().index > before);
}

pub async fn registering_again_keeps_what_the_check_has_seen(engine: &Engine) {
    let body = json!({ "Name": "again", "Check": { "TTL": "60s" } });
    engine.http.register(body.clone()).await;
    engine.http.put("/v1/agent/check/pass/service:again", "").await.ok();
    engine.http.register(body).await;
    assert_eq!(status(engine, "again").await, "passing");
}

pub async fn checks_are_kept_or_replaced_as_asked(engine: &Engine) {
    let body = |check: &str| json!({ "Name": "replace", "Check": { "CheckID": check, "TTL": "60s" } });
    let ids = || async {
        let checks = engine.http.get("/v1/health/checks/replace").await.ok().json();
        let ids =
            checks.as_array().unwrap().iter().map(|check| check["CheckID"].as_str().unwrap().to_owned());
        ids.collect::<Vec<_>>()
    };
    engine.http.register(body("replace-1")).await;
    engine.http.register(body("replace-2")).await;
    assert_eq!(ids().await, ["replace-1", "replace-2"]);
    let path = "/v1/agent/service/register?replace-existing-checks=true";
    engine.http.put_json(path, body("replace-3")).await.ok();
    assert_eq!(ids().await, ["replace-3"]);

    let two = json!([{ "TTL": "60s" }, { "TTL": "60s" }]);
    engine.http.register(json!({ "Name": "numbered", "Checks": two })).await;
    let checks = engine.http.get("/v1/agent/checks").await.ok().json();
    assert!(checks.get("service:numbered:1").is_some() && checks.get("service:numbered:2").is_some());
}

pub async fn maintenance_takes_a_service_out_and_back(engine: &Engine) {
    let http = &engine.http;
    http.register(json!({ "ID": "upkeep-1", "Name": "upkeep" })).await;
    http.put("/v1/agent/service/maintenance/upkeep-1?enable=true&reason=paint", "").await.ok();
    assert_eq!(http.get("/v1/health/service/upkeep?passing").await.ok().json(), json!([]));
    let check = &http.get("/v1/health/checks/upkeep").await.ok().json()[0];
    assert_eq!(
        (&check["CheckID"], &check["Notes"]),
        (&json!("_service_maintenance:upkeep-1"), &json!("paint"))
    );
    http.put("/v1/agent/service/maintenance/upkeep-1?enable=false", "").await.ok();
    assert_eq!(http.get("/v1/health/service/upkeep?passing").await.ok().json().as_array().unwrap().len(), 1);
    assert_eq!(http.put("/v1/agent/service/maintenance/upkeep-1", "").await.status, 400);
    assert_eq!(http.put("/v1/agent/service/maintenance/nobody?enable=true", "").await.status, 404);
}

pub async fn http_checks_follow_the_answers(engine: &Engine) {
    let answer = Arc::new(AtomicU16::new(200));
    let told = answer.clone();
    let app = axum::Router::new().fallback(move || async move {
        (StatusCode::from_u16(told.load(Ordering::SeqCst)).unwrap(), "how it goes")
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/health", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let check = json!({ "HTTP": url, "Interval": "1s", "Timeout": "5s" });
    engine.http.register(json!({ "Name": "probed", "Check": check })).await;
    becomes(engine, "probed", "passing").await;
    let checks = engine.http.get("/v1/health/checks/probed").await.ok().json();
    assert_eq!(checks[0]["Output"], format!("HTTP GET {url}: 200 OK Output: how it goes"));
    answer.store(429, Ordering::SeqCst);
    becomes(engine, "probed", "warning").await;
    answer.store(503, Ordering::SeqCst);
    becomes(engine, "probed", "critical").await;
    answer.store(204, Ordering::SeqCst);
    becomes(engine, "probed", "passing").await;
    server.abort();
    becomes(engine, "probed", "critical").await;
}

pub async fn bad_registrations_are_refused(engine: &Engine) {
    let http = &engine.http;
    let check = |check: Value| json!({ "Name": "bad", "Check": check }).to_string();
    for body in [
        String::new(),
        "{".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        json!({ "Name": "" }).to_string(),
        json!({ "Name": "bad", "Port": "eighty" }).to_string(),
        json!({ "Name": "bad", "Bogus": 1 }).to_string(),
        json!({ "Name": "bad", "Address": "0.0.0.0" }).to_string(),
        json!({ "Name": "bad", "Tags": "a" }).to_string(),
        check(json!({ "TTL": "soon" })),
        check(json!({ "Name": "neither TTL nor HTTP" })),
        check(json!({ "HTTP": "http://127.0.0.1:1/" })),
        check(json!({ "TTL": "60s", "Status": "sleepy" })),
    ] {
        let reply = http.put("/v1/agent/service/register", body.clone()).await;
        assert_eq!(reply.status, 400, "{body}: {reply:?}");
        assert!(!reply.text.is_empty(), "{body}");
    }
    assert!(http.get("/v1/agent/services").await.ok().json().get("bad").is_none());
    for path in ["index=some", "index=-1", "index=1&wait=5", "index=1&wait=soon", "passing=perhaps"] {
        let reply = http.get(&format!("/v1/health/service/bad?{path}")).await;
        assert_eq!(reply.status, 400, "{path}: {reply:?}");
    }
    assert_eq!(http.get("/v1/health/service/bad?dc=elsewhere").await.status, 500);
    assert_eq!(http.get("/v1/agent/service/register").await.status, 405);
    assert_eq!(http.put("/v1/health/service/bad", "").await.status, 405);
    assert_eq!(http.get("/v1/no/such/thing").await.status, 404);
    let update = json!({ "Status": "sleepy" });
    assert_eq!(http.put_json("/v1/agent/check/update/nothing", update).await.status, 400);
    // Consul before 1.10 says 500, later ones and the embedded registry 404.
    assert!([404, 500].contains(&http.put("/v1/agent/check/pass/nothing", "").await.status));
}
