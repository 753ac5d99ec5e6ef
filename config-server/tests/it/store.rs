//! The store of changes, the same on each engine.

use std::time::Duration;

use chassis::config::protocol::ChangeKind;
use chassis::store::{StoreError, StoreUrl};
use config_server::store::{Appended, ChangeSet, ChangeStore, Place, SqlChanges};
use config_server::{Config, ConfigServer, OpenError};
use contracts::Timestamp;
use contracts::error::chain;
use serde_json::{Value, json};

use crate::support::{DEADLINE, TestServer};

fn place(key: &str) -> Place {
    Place { application: "orders".into(), profile: "default".into(), key: key.into() }
}

fn set(expected: u64, changes: Vec<(Place, Option<Value>)>) -> ChangeSet {
    ChangeSet {
        expected,
        kind: ChangeKind::Set,
        who: "ada".into(),
        at: Timestamp(1_700_000_000_000_000),
        changes,
    }
}

#[tokio::test]
async fn a_change_set_is_written_whole_once_and_survives_reopening() {
    for database in testkit::databases().await {
        let url = StoreUrl::parse(&database.url).expect("an address");
        let store = SqlChanges::open(&url, DEADLINE).await.expect("opens");
        let both = vec![(place("a"), Some(json!({"deep": [1, "x"]}))), (place("b"), Some(Value::Null))];
        assert_eq!(store.append(&set(0, both)).await.expect("writes"), Appended::As(1), "{}", database.name);
        assert_eq!(store.append(&set(0, vec![(place("a"), None)])).await.expect("decides"), Appended::Stale);
        assert_eq!(
            store
                .append(&set(1, vec![(place("a"), Some(json!(2))), (place("b"), None)]))
                .await
                .expect("writes"),
            Appended::As(2)
        );
        store.schema_put("orders", &json!({"properties": {}}), Timestamp(1)).await.expect("writes");
        store.schema_put("orders", &json!({"properties": {"x": {}}}), Timestamp(2)).await.expect("writes");
        let before = store.load().await.expect("reads");
        store.close().await;

        let store = SqlChanges::open(&url, DEADLINE).await.expect("opens again");
        let after = store.load().await.expect("reads");
        assert_eq!(after, before, "{}", database.name);
        assert_eq!(store.revision().await.expect("reads"), after.revision(), "{}", database.name);
        assert_eq!(after.version, 2);
        assert_eq!(after.values.len(), 1);
        assert_eq!(after.values[&place("a")].value, json!(2));
        assert_eq!(after.schemas["orders"], json!({"properties": {"x": {}}}));
        let then = store.values_at("orders", "default", 1).await.expect("reads");
        assert_eq!(then["a"], json!({"deep": [1, "x"]}));
        assert_eq!(then["b"], Value::Null);
        let history = store.history("orders", "default", 10).await.expect("reads");
        assert_eq!(
            history.iter().map(|entry| (entry.version, entry.key.as_str())).collect::<Vec<_>>(),
            [(2, "a"), (2, "b"), (1, "a"), (1, "b")]
        );
        assert_eq!(history[1].old, Some(Value::Null), "a null that was set is not the same as nothing set");
        store.close().await;
    }
}

#[tokio::test]
async fn a_database_that_does_not_come_ends_the_start_and_is_named() {
    let (files, data) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    // nothing listens on port 1
    let database = StoreUrl::parse("postgres://shop:hunter2@127.0.0.1:1/config").expect("an address");
    let config = Config {
        database: Some(database),
        patience: Duration::ZERO,
        ..Config::new(files.path(), data.path())
    };
    let error = ConfigServer::open(config).await.map(drop).expect_err("nobody there");
    assert!(matches!(error, OpenError::Store(StoreError::Away { .. })), "{error:?}");
    let told = chain(&error);
    assert!(
        told.contains("PostgreSQL at 127.0.0.1:1 (database config)") && told.contains("refused"),
        "{told}"
    );
    assert!(!told.contains("hunter2"), "{told}");
}

#[tokio::test]
async fn of_two_replicas_that_write_at_once_one_is_told_that_it_is_stale() {
    for database in testkit::databases().await {
        let url = StoreUrl::parse(&database.url).expect("an address");
        let (one, two) = (
            SqlChanges::open(&url, DEADLINE).await.expect("opens"),
            SqlChanges::open(&url, DEADLINE).await.expect("opens"),
        );
        let (first, second) =
            (set(0, vec![(place("a"), Some(json!(1)))]), set(0, vec![(place("a"), Some(json!(2)))]));
        let (first, second) = tokio::join!(one.append(&first), two.append(&second));
        let mut results = [first.expect("decides"), second.expect("decides")];
        results.sort_by_key(|result| *result == Appended::Stale);
        assert_eq!(results, [Appended::As(1), Appended::Stale], "{}", database.name);
        one.close().await;
        two.close().await;
    }
}

#[tokio::test]
async fn a_schema_that_one_replica_takes_reaches_the_other() {
    for database in testkit::databases().await {
        let url = StoreUrl::parse(&database.url).expect("an address");
        let (mut one, mut two) =
            (TestServer::replica_on(&url, &[]).await, TestServer::replica_on(&url, &[]).await);
        for default in [1, 2] {
            let schema = json!({"type": "object", "properties": {"x": {"default": {"y": default}}}});
            assert!(one.publish("orders", &schema).await.status().is_success());
            let told = format!("the default {default} at the other replica on {}", database.name);
            testkit::eventually(&told, DEADLINE, || async {
                let effective = two.json("/api/applications/orders/default/effective").await;
                (effective["values"]["x.y"]["value"] == default).then_some(())
            })
            .await;
        }
        one.stop().await;
        two.stop().await;
    }
}
