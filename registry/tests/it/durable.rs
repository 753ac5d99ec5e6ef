//! What outlives the process.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::engine::{Engine, Killed, eventually, free_ports};
use crate::http::Http;

/// The real executable on a folder, killed with `kill -9` when it is dropped.
struct Process {
    http: Http,
    _killed: Killed,
}

impl Process {
    async fn start(folder: &Path) -> Self {
        let [port] = free_ports();
        let child = Command::new(env!("CARGO_BIN_EXE_registry"))
            .args(["--listen", &format!("127.0.0.1:{port}"), "--data"])
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let process = Self { http: Http::new(&format!("http://127.0.0.1:{port}")), _killed: Killed(child) };
        eventually("the registry answers", || process.http.try_get("/v1/status/leader")).await;
        process
    }
}

#[tokio::test]
async fn everything_comes_back_after_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let first = Process::start(folder.path()).await;
    let check = json!({ "CheckID": "kept-check", "TTL": "60s" });
    first
        .http
        .register(json!({ "ID": "kept-1", "Name": "kept", "Port": 7, "Meta": { "a": "b" }, "Check": check }))
        .await;
    first.http.put("/v1/agent/check/pass/kept-check", "").await.ok();
    let bound = json!({ "Name": "s", "TTL": "60s", "ServiceChecks": [{ "ID": "kept-check" }] });
    let session = first.http.put_json("/v1/session/create", bound).await.ok().json();
    let session = session["ID"].as_str().unwrap();
    first.http.put(&format!("/v1/kv/lock?acquire={session}"), "held").await.ok();
    first.http.put("/v1/kv/gone", "x").await.ok();
    first.http.delete("/v1/kv/gone").await.ok();
    let lock = first.http.get("/v1/kv/lock").await.ok();
    let health = first.http.get("/v1/health/service/kept").await.ok();
    drop(first);

    let second = Process::start(folder.path()).await;
    assert_eq!(second.http.get("/v1/kv/lock").await.ok().json(), lock.json());
    let back = second.http.get("/v1/health/service/kept?passing").await.ok();
    assert_eq!(back.json(), health.json(), "in its last state, with its indexes");
    assert!(back.index > health.index, "an index goes on from where it was");
    assert_eq!(second.http.get("/v1/kv/gone").await.status, 404);
    second.http.put(&format!("/v1/session/renew/{session}"), "").await.ok();
    second.http.put("/v1/agent/check/fail/kept-check", "").await.ok();
    assert!(second.http.get("/v1/kv/lock").await.ok().json()[0].get("Session").is_none(), "still bound");
}

#[tokio::test]
async fn nothing_that_was_acknowledged_is_lost_whenever_the_kill_comes() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = 0_u32;
    for round in 0..4_u32 {
        let process = Process::start(folder.path()).await;
        for number in 0..acknowledged {
            assert_eq!(process.http.get(&format!("/v1/kv/n/{number}")).await.status, 200, "{number}");
        }
        let http = process.http.clone();
        let target = acknowledged + 20 * (round + 1);
        let (told, mut heard) = tokio::sync::watch::channel(acknowledged);
        let writer = tokio::spawn(async move {
            for number in acknowledged.. {
                let put =
                    http.request(reqwest::Method::PUT, &format!("/v1/kv/n/{number}")).body("x".repeat(500));
                let Some(reply) = http.try_send(put).await else { return number };
                assert_eq!(reply.status, 200);
                told.send_replace(number + 1);
            }
            unreachable!("the range has no end")
        });
        heard.wait_for(|count| *count >= target).await.unwrap();
        // In the middle of the stream of writes.
        drop(process);
        acknowledged = writer.await.unwrap();
    }
    assert!(acknowledged >= 200);
}

/// A heartbeat is no change: it must not cost a write.
#[tokio::test]
async fn heartbeats_do_not_grow_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let engine = Engine::embedded_on(crate::engine::config(folder.path()), listener);
    engine.http.register(json!({ "Name": "a", "Check": { "TTL": "60s", "Status": "passing" } })).await;
    let length = || std::fs::metadata(folder.path().join("registry.journal")).unwrap().len();
    let before = length();
    for beat in 0..100 {
        engine.http.put(&format!("/v1/agent/check/pass/service:a?note={beat}"), "").await.ok();
    }
    assert_eq!(length(), before);
    engine.http.put("/v1/agent/check/fail/service:a", "").await.ok();
    assert!(length() > before, "a change of status is one");
}
