//! Files that change, and files that break.

use chassis::config::protocol::{ChangeKind, FileState};
use serde_json::{Value, json};

use crate::support::{DEADLINE, TestServer};

async fn lease(server: &TestServer) -> Value {
    server.json("/orders-default.json").await["saga"]["lease_ms"].clone()
}

#[tokio::test]
async fn a_changed_file_is_served_and_makes_a_version() {
    let server = TestServer::start(&[("orders.toml", "[saga]\nlease_ms = 1")]).await;
    server.write("orders.toml", "[saga]\nlease_ms = 22");
    testkit::eventually("the new content", DEADLINE, || async { (lease(&server).await == 22).then_some(()) })
        .await;
    let history = server.admin().history("orders", "default", 10).await.expect("is told");
    let files: Vec<_> =
        history.iter().map(|entry| (entry.kind, entry.key.as_str(), entry.old.is_some())).collect();
    assert_eq!(files, [(ChangeKind::File, "orders.toml", true), (ChangeKind::File, "orders.toml", false)]);
}

#[tokio::test]
async fn a_corrupt_file_starts_from_its_last_good_content_and_says_so() {
    let mut server =
        TestServer::start(&[("orders.toml", "[saga]\nlease_ms = 1"), ("catalog.toml", "")]).await;
    server.stop().await;
    server.write("orders.toml", "[saga\nlease_ms = 2");
    server.write("new.toml", "= nonsense");
    server.resume().await;
    assert_eq!(lease(&server).await, 1);
    let status = server.json("/api/status").await;
    let files: Vec<_> = status["files"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|file| (&file["name"], &file["state"], file["error"].is_string()))
        .collect();
    assert_eq!(
        files,
        [
            (&json!("catalog.toml"), &json!("good"), false),
            (&json!("new.toml"), &json!("ignored"), true),
            (&json!("orders.toml"), &json!("last_known_good"), true),
        ]
    );
    server.write("orders.toml", "[saga]\nlease_ms = 33");
    testkit::eventually("the mended file", DEADLINE, || async { (lease(&server).await == 33).then_some(()) })
        .await;
    let status = server.admin().status().await.expect("an answer");
    let orders = status.files.iter().find(|file| file.name == "orders.toml").map(|file| file.state);
    assert_eq!(orders, Some(FileState::Good));
}
