//! What only the embedded registry is asked: its token, its bounds, its reaping, and how the client
//! takes it when the registry goes away or comes back changed.

use std::sync::Arc;
use std::time::Duration;

use chassis::discovery::{Consul, Directory, Discovery, DiscoveryError, Instance, Registration};
use registry::{Config, Limits};
use reqwest::Method;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::engine::{Engine, PATIENCE, config, eventually};

async fn listener(address: &str) -> TcpListener {
    eventually("the address is free", || async { TcpListener::bind(address).await.ok() }).await
}

#[tokio::test]
async fn a_token_is_asked_for_in_consuls_words() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { token: Some("secret".to_owned()), ..config(folder.path()) };
    let engine = Engine::embedded_on(config, listener("127.0.0.1:0").await);
    let http = &engine.http;
    let bare = http.get("/v1/kv/a").await;
    assert_eq!((bare.status, bare.text.as_str()), (403, "Permission denied"));
    let with = |name: &str, value: &str| http.request(Method::PUT, "/v1/kv/a").header(name, value).body("x");
    let wrong = http.try_send(with("X-Consul-Token", "guess")).await.unwrap();
    assert_eq!((wrong.status, wrong.text.as_str()), (403, "ACL not found"));
    assert_eq!(http.try_send(with("X-Consul-Token", "secret")).await.unwrap().status, 200);
    assert_eq!(http.try_send(with("Authorization", "Bearer secret")).await.unwrap().status, 200);
    http.get("/v1/status/leader").await.ok();
    let client = |token: Option<&str>| Consul::new(&http.base, token.map(str::to_owned)).unwrap();
    client(Some("secret")).kv_put("b", b"x".to_vec()).await.unwrap();
    let denied = client(None).kv_put("b", b"x".to_vec()).await.unwrap_err();
    assert!(matches!(denied, DiscoveryError::Denied { .. }), "{denied}");
    let told = denied.to_string();
    for part in [http.base.trim_end_matches('/'), "refuses these credentials", "TRADEWIND_REGISTRY_TOKEN"] {
        assert!(told.contains(part), "{told:?} does not say {part:?}");
    }
}

#[tokio::test]
async fn bounds_answer_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { services: 1, sessions: 1, keys: 1, waiting: 0, ..Limits::default() };
    let config = Config { limits, ..config(folder.path()) };
    let engine = Engine::embedded_on(config, listener("127.0.0.1:0").await);
    let http = &engine.http;
    http.register(json!({ "Name": "a" })).await;
    let full = http.put_json("/v1/agent/service/register", json!({ "Name": "b" })).await;
    assert_eq!((full.status, full.text.as_str()), (507, "at most 1 services"));
    http.put("/v1/session/create", "").await.ok();
    assert_eq!(http.put("/v1/session/create", "").await.status, 507);
    http.put("/v1/kv/a", "").await.ok();
    assert_eq!(http.put("/v1/kv/b", "").await.status, 507);
    assert_eq!(http.get("/v1/kv/a?index=1&wait=1s").await.status, 429);
    http.get("/v1/kv/a").await.ok();
}

#[tokio::test]
async fn hostile_input_is_refused_and_leaves_the_registry_well() {
    let engine = Engine::embedded().await;
    let http = &engine.http;
    let long = "x".repeat(100_000);
    for body in [
        json!({ "Name": long }),
        json!({ "Name": "n", "Tags": vec!["t"; 100_000] }),
        json!({ "Name": "n", "Meta": { "k": long } }),
        json!({ "Name": "n", "Port": 65_536 }),
        json!({ "Name": "n", "Port": -1 }),
        json!({ "Name": "n", "Kind": "connect-proxy" }),
        json!({ "Name": "n", "Check": { "CheckID": "serfHealth", "TTL": "1s" } }),
        json!({ "Name": "n", "Check": { "TTL": "1s", "HTTP": "http://h/", "Interval": "1s" } }),
        json!({ "Name": "n", "Check": { "HTTP": "file:///etc/passwd", "Interval": "1s" } }),
        json!({ "Name": "n", "Check": { "HTTP": "http://h/", "Interval": "1s", "Header": { "a\nb": ["c"] } } }),
        json!({ "Name": "n", "Check": { "HTTP": format!("http://h/{long}"), "Interval": "1s" } }),
        json!({ "Name": "n", "Check": { "HTTP": "http://h/", "Interval": "1s", "Method": long } }),
        json!({ "Name": "n", "Check": { "HTTP": "http://h/", "Interval": "1s", "Body": long } }),
        json!({ "Name": "n", "Check": { "HTTP": "http://h/", "Interval": "1s", "Header": { "a": [long] } } }),
        json!({ "Name": "n", "Check": { "HTTP": "http://h/", "Interval": "1s", "Header": { long.clone(): [] } } }),
        json!({ "Name": "n", "Check": { "HTTP": "http://h/", "Interval": "1s", "Header": { "a": vec!["b"; 65] } } }),
        json!({ "Name": "n", "Check": { "Args": ["sh"], "Interval": "1s" } }),
        json!({ "Name": "n", "Checks": vec![json!({ "TTL": "1s" }); 1000] }),
    ] {
        let reply = http.put_json("/v1/agent/service/register", body.clone()).await;
        assert_eq!(reply.status, 400, "{:.60}: {reply:?}", body.to_string());
    }
    let deep = format!("{{\"Name\":{}", "[".repeat(200_000));
    assert_eq!(http.put("/v1/agent/service/register", deep).await.status, 400);
    assert_eq!(http.put("/v1/agent/service/register", "x".repeat(600_000)).await.status, 413);
    assert_eq!(http.put("/v1/agent/check/deregister/serfHealth", "").await.status, 404);
    assert_eq!(http.put(&format!("/v1/kv/{}", "k".repeat(5000)), "x").await.status, 400);
    assert_eq!(http.get("/v1/kv/%ff").await.status, 400);
    // The longest spans that can be written must not overflow a clock.
    let forever = "2540400h";
    let check = json!({ "TTL": forever, "DeregisterCriticalServiceAfter": forever });
    http.register(json!({ "Name": "forever", "Check": check })).await;
    let probe = json!({ "HTTP": "http://127.0.0.1:1/", "Interval": forever, "Timeout": forever });
    http.register(json!({ "Name": "probed", "Check": probe })).await;
    http.put_json("/v1/session/create", json!({ "LockDelay": forever })).await.ok();
    http.get(&format!("/v1/health/service/forever?index=1&wait={forever}")).await.ok();
    let services = http.get("/v1/agent/services").await.ok().json();
    assert_eq!(services.as_object().unwrap().len(), 2);
}

#[tokio::test]
async fn what_stays_critical_is_deregistered() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { reap_after_min: Duration::ZERO, ..Limits::default() };
    let config = Config { limits, ..config(folder.path()) };
    let engine = Engine::embedded_on(config, listener("127.0.0.1:0").await);
    let check = json!({ "TTL": "200ms", "Status": "passing", "DeregisterCriticalServiceAfter": "200ms" });
    engine.http.register(json!({ "Name": "mayfly", "Check": check })).await;
    engine.http.register(json!({ "Name": "oak", "Check": { "TTL": "200ms" } })).await;
    eventually("it is gone", || async {
        engine.http.get("/v1/agent/services").await.json().get("mayfly").is_none().then_some(())
    })
    .await;
    assert!(engine.http.get("/v1/agent/services").await.json().get("oak").is_some());
}

#[tokio::test]
async fn a_blocked_query_returns_when_the_registry_closes() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { waiting: 1, ..Limits::default() };
    let config = Config { limits, ..config(folder.path()) };
    let registry = registry::Registry::open(config).unwrap();
    let listener = listener("127.0.0.1:0").await;
    let http = crate::http::Http::new(&format!("http://{}", listener.local_addr().unwrap()));
    let stop = CancellationToken::new();
    let serving = tokio::spawn({
        let stop = stop.clone();
        async move { registry.serve(listener, stop).await }
    });
    let index = http.get("/v1/health/service/a").await.ok().index;
    let path = format!("/v1/health/service/a?index={index}&wait=10m");
    let (blocked, ()) = tokio::join!(timeout(PATIENCE, http.get(&path)), async {
        // With room for one, a second query is refused as soon as the first one waits.
        let second = format!("/v1/health/service/a?index={index}&wait=1ms");
        eventually("it is blocked", || async { (http.get(&second).await.status == 429).then_some(()) }).await;
        stop.cancel();
    });
    blocked.expect("drain must not wait for the query").ok();
    timeout(PATIENCE, serving).await.unwrap().unwrap().unwrap();
}

/// Consul would let such a client wait for an index that may never come.
#[tokio::test]
async fn an_index_from_another_registry_is_not_waited_for() {
    let engine = Engine::embedded().await;
    engine.http.register(json!({ "Name": "a" })).await;
    let reply = timeout(PATIENCE, engine.http.get("/v1/health/service/a?index=1000000&wait=10m"));
    assert!(reply.await.unwrap().ok().index < 1_000_000, "so that the client starts over");
}

/// The registry goes away with an instance in it, and comes back without its memory, and so with a
/// lower index: watchers keep what they know, the instance registers again, and changes are seen.
#[tokio::test]
async fn the_view_outlives_a_registry_that_comes_back_empty() {
    let (before, after) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let listener_before = listener("127.0.0.1:0").await;
    let address = listener_before.local_addr().unwrap().to_string();
    let engine = Engine::embedded_on(config(before.path()), listener_before);
    for round in 0..50 {
        engine.http.put("/v1/kv/filler", format!("raises the index {round}")).await.ok();
    }
    let (client, stop) = (engine.client(), CancellationToken::new());
    let instance = |id: &str| Instance {
        id: id.to_owned(),
        service: "survivor".to_owned(),
        address: "127.0.0.1:1".to_owned(),
        meta: Default::default(),
    };
    let ttl = Duration::from_secs(1);
    let registration = Registration::start(client.clone(), instance("survivor-1"), ttl, &stop);
    let directory = Directory::new(client.clone(), stop.clone());
    let mut changes = directory.changed("survivor");
    timeout(PATIENCE, changes.wait_for(|seen| seen.len() == 1)).await.unwrap().unwrap();

    drop(engine);
    eventually("the registry is away", || async { client.pass("service:survivor-1").await.err() }).await;
    assert_eq!(directory.instances("survivor").len(), 1, "the last view stays");

    let engine = Engine::embedded_on(config(after.path()), listener(&address).await);
    eventually("it is registered again", || async {
        (client.healthy("survivor", 0, ttl).await.ok()?.value.len() == 1).then_some(())
    })
    .await;
    let second = Registration::start(client, instance("survivor-2"), ttl, &stop);
    let seen = timeout(PATIENCE, changes.wait_for(|seen| seen.len() == 2)).await.unwrap().unwrap().clone();
    assert_eq!(seen[0], instance("survivor-1"));
    second.deregister().await;
    registration.deregister().await;
    timeout(PATIENCE, changes.wait_for(|seen| seen.is_empty())).await.unwrap().unwrap();
    drop(engine);
}

/// Every edge had no instances from the restart of a registry without memory until the next heartbeats.
#[tokio::test]
async fn the_view_is_never_empty_when_the_registry_comes_back_without_memory() {
    let (before, after) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let listener_before = listener("127.0.0.1:0").await;
    let address = listener_before.local_addr().unwrap().to_string();
    let engine = Engine::embedded_on(config(before.path()), listener_before);
    let body = |port: u16| json!({ "Name": "steady", "Port": port });
    for port in 1..=20 {
        engine.http.register(body(port)).await;
    }
    let stop = CancellationToken::new();
    let directory = Directory::new(engine.client(), stop.clone());
    let mut changes = directory.changed("steady");
    let shows = |port: u16| move |seen: &Arc<[Instance]>| seen[0].address.ends_with(&format!(":{port}"));
    timeout(PATIENCE, changes.wait_for(|seen| seen.len() == 1)).await.unwrap().unwrap();
    timeout(PATIENCE, changes.wait_for(shows(20))).await.unwrap().unwrap();
    drop(engine);

    // With room for one blocking query, ours is refused as soon as the directory's waits: by then it
    // has been told that nobody is there.
    let limits = Limits { waiting: 1, ..Limits::default() };
    let config = Config { limits, ..config(after.path()) };
    let engine = Engine::embedded_on(config, listener(&address).await);
    let index = engine.http.get("/v1/health/service/steady").await.ok().index;
    let ours = format!("/v1/health/service/steady?index={index}&wait=1ms");
    eventually("the directory waits", || async {
        (engine.http.get(&ours).await.status == 429).then_some(())
    })
    .await;
    assert_eq!(directory.instances("steady").len(), 1, "the registry has yet to hear of it");
    engine.http.register(body(21)).await;
    // `shows` would panic at a view of nobody.
    timeout(PATIENCE, changes.wait_for(shows(21))).await.unwrap().unwrap();
    // The registry remembers now, so that its word is taken at once, also that nobody is left.
    engine.http.put("/v1/agent/service/deregister/steady", "").await.ok();
    timeout(PATIENCE, changes.wait_for(|seen| seen.is_empty())).await.unwrap().unwrap();
    stop.cancel();
}

/// Services that took connections but never answered filled all places for probes, and the clock
/// waited for one: no TTL and no session of anybody ended.
#[tokio::test]
async fn http_checks_that_hang_stop_no_ttl_and_no_session() {
    let engine = Engine::embedded().await;
    let http = &engine.http;
    let silent = listener("127.0.0.1:0").await;
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let check = json!({ "HTTP": url, "Interval": "1s", "Timeout": "9000h" });
    for name in ["hung-1", "hung-2"] {
        http.register(json!({ "Name": name, "Checks": vec![check.clone(); 50] })).await;
    }
    let mut connections = Vec::new();
    timeout(PATIENCE, async {
        while connections.len() < 64 {
            connections.push(silent.accept().await.unwrap());
        }
    })
    .await
    .unwrap();
    http.register(json!({ "Name": "quiet", "Check": { "TTL": "1s", "Status": "passing" } })).await;
    let session = http.put_json("/v1/session/create", json!({ "TTL": "1s" })).await.ok().json();
    eventually("the TTL lapses", || async {
        let check = http.get("/v1/agent/checks").await.ok().json()["service:quiet"].clone();
        (check["Output"] == "TTL expired").then_some(())
    })
    .await;
    let info = format!("/v1/session/info/{}", session["ID"].as_str().unwrap());
    eventually("the session ends", || async {
        (http.get(&info).await.ok().json() == json!([])).then_some(())
    })
    .await;
    // Those that hung free their places: the others have their turn.
    drop(connections);
    timeout(PATIENCE, silent.accept()).await.unwrap().unwrap();
}
