//! What is pushed: to whoever watches, and into a running service.

use std::time::Duration;

use chassis::config::schema::Reload;
use contracts::Code;
use serde_json::json;

use crate::support::{Coordination, DEADLINE, TestServer};

/// Reads a watch until its text has what is awaited.
async fn read_until(watch: &mut reqwest::Response, awaited: &str) -> String {
    let mut text = String::new();
    let reading = async {
        while !text.contains(awaited) {
            let chunk = watch.chunk().await.expect("the watch goes on").expect("the watch does not end");
            text.push_str(&String::from_utf8_lossy(&chunk));
        }
    };
    tokio::time::timeout(DEADLINE, reading)
        .await
        .unwrap_or_else(|_| panic!("waited in vain for {awaited:?}"));
    text
}

#[tokio::test]
async fn a_watch_says_what_holds_and_then_wakes_on_each_change() {
    let server = TestServer::start(&[("orders.toml", "")]).await;
    let mut watch = server.get("/api/applications/orders/default/watch").await;
    assert_eq!(watch.headers()["content-type"], "text/event-stream");
    let first = read_until(&mut watch, "\n\n").await;
    assert!(first.contains("event: version") && first.contains(r#"data: {"version":1}"#), "{first}");
    let version = server.set("saga.lease_ms", 2).await;
    read_until(&mut watch, &format!(r#"data: {{"version":{version}}}"#)).await;
    server.write("application.toml", "[log]\nlevel = 'info'");
    read_until(&mut watch, &format!(r#"data: {{"version":{}}}"#, version + 1)).await;
    read_until(&mut watch, ": heartbeat").await;
}

#[tokio::test]
async fn a_change_reaches_a_running_service_and_the_server_learns_that_it_did() {
    let server = TestServer::start(&[]).await;
    let mut service = server.service(&[]).await;
    let mut log = service.configuration.section::<crate::support::Log>();
    let version = server.set("saga.lease_ms", 1234).await;
    let saga = tokio::time::timeout(DEADLINE, service.saga.changed()).await.expect("is pushed");
    assert_eq!(saga.lease_ms, 1234);
    assert_eq!(service.saga.get(), saga);
    let applied = server.admin().applied("orders", version, DEADLINE).await.expect("an answer");
    assert_eq!((applied.running.len(), applied.behind.len()), (1, 0));
    let other = tokio::time::timeout(Duration::from_millis(1), log.changed()).await;
    assert!(other.is_err(), "a section that did not change does not wake its readers");
}

#[tokio::test]
async fn a_key_marked_restart_waits_for_one_and_is_reported_as_pending() {
    let server = TestServer::start(&[]).await;
    let mut service = server.service(&[]).await;
    server.set("saga.workers", 8).await;
    let version = server.set("saga.coordination", "orchestrated").await;
    let changed = async { while service.saga.changed().await.coordination != Coordination::Orchestrated {} };
    tokio::time::timeout(DEADLINE, changed).await.expect("the live key is pushed");
    assert_eq!(service.saga.get().workers, 4);
    let report = service.configuration.report();
    let workers = report.keys.iter().find(|key| key.key == "saga.workers").expect("is reported");
    assert_eq!(
        (&workers.value, workers.reload, &workers.pending_restart),
        (&json!(4), Reload::Restart, &Some(json!(8)))
    );
    server.instance_runs(version).await;
    assert_eq!(
        server.admin().instances("orders").await.expect("an answer")[0].pending_restart,
        ["saga.workers"]
    );
    drop(service);
    assert_eq!(server.service(&[]).await.saga.get().workers, 8);
}

#[tokio::test]
async fn an_invalid_push_is_refused_whole_and_the_old_configuration_stays() {
    let server = TestServer::start(&[]).await;
    let service = server.service(&[]).await;
    // the section's own check knows more than its schema; the file goes past the server's checks anyhow
    server.write("orders.toml", "[saga]\nlease_ms = 10\nworkers = 101\ncoordination = 'chaos'");
    let refused = testkit::eventually("the refusal", DEADLINE, || async {
        server.admin().instances("orders").await.expect("an answer").pop()?.refused
    })
    .await;
    let mut keys: Vec<_> = refused.faults.iter().map(|fault| fault.field.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["saga.coordination"], "the check of a section needs a section that can be read");
    assert_eq!(service.saga.get().lease_ms, 5000, "nothing of it is taken over");
    assert_eq!(service.configuration.report().refused, Some(refused));

    server.write("orders.toml", "[saga]\nlease_ms = 10\nworkers = 101");
    testkit::eventually("the other refusal", DEADLINE, || async {
        let refused = service.configuration.report().refused?;
        refused
            .faults
            .iter()
            .any(|fault| fault.field == "saga.workers" && fault.message.contains("at most 100"))
            .then_some(())
    })
    .await;
    let applied = server.admin().applied("orders", u64::MAX, Duration::ZERO).await.expect("an answer");
    assert_eq!(applied.behind.len(), 1);

    server.write("orders.toml", "[saga]\nlease_ms = 10");
    testkit::eventually("the mended file", DEADLINE, || async {
        (service.saga.get().lease_ms == 10).then_some(())
    })
    .await;
    assert_eq!(service.configuration.report().refused, None);
}

#[tokio::test]
async fn a_service_follows_again_after_the_server_was_away() {
    let mut server = TestServer::start(&[("orders.toml", "[saga]\nlease_ms = 1")]).await;
    let service = server.service(&[]).await;
    server.stop().await;
    server.write("orders.toml", "[saga]\nlease_ms = 22");
    assert_eq!(service.saga.get().lease_ms, 1);
    server.resume().await;
    testkit::eventually("the missed change", DEADLINE, || async {
        (service.saga.get().lease_ms == 22).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_change_just_after_a_restart_still_waits_for_the_instances() {
    let mut server = TestServer::start(&[]).await;
    let service = server.service(&[]).await;
    server.stop().await;
    server.resume().await;
    let version = server.set("saga.lease_ms", 1234).await;
    let applied = server.admin().applied("orders", version, DEADLINE).await.expect("an answer");
    assert_eq!((applied.running.len(), applied.behind.len()), (1, 0));
    assert_eq!(service.saga.get().lease_ms, 1234);
}

#[tokio::test]
async fn an_instance_that_ends_is_soon_no_longer_waited_for() {
    let server = TestServer::start(&[]).await;
    drop(server.service(&[]).await);
    let gone = Duration::from_secs(20);
    testkit::eventually("the instance to be forgotten", gone, || async {
        server.admin().instances("orders").await.expect("an answer").is_empty().then_some(())
    })
    .await;
    let refused = server
        .admin()
        .set("orders", "default", "saga.lease_ms", json!(0), "*")
        .await
        .expect_err("is refused");
    assert!(
        matches!(refused, chassis::config::AdminError::Problem(problem) if problem.code == Code::InvalidRequest),
        "its schema stays"
    );
}
