//! Configuration: changed while the shop runs, and files that break.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use system_tests::ground::ground;
use system_tests::shop::{PATIENCE, Shop, order_of};
use testkit::eventually;
use tradewind::topology::Part;

use super::{PROGRAM, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_breaks_the_schema_is_refused_with_what_is_allowed_and_changes_nothing() {
    let home = tempfile::tempdir().expect("a folder");
    let data = home.path().join("shop");
    let shop = Shop::start_on(PROGRAM, &data, &[]).await;
    let before = history(&shop, "orders").await;
    for (application, key, value, says) in [
        ("orders", "saga.coordination", "nonsense", ["saga.coordination", "\"nonsense\"", "\"sync\""]),
        ("orders", "saga.lease_ms", "-1", ["saga.lease_ms", "-1", "from 100 to 600000"]),
        ("orders", "saga.lease_ms", "5", ["saga.lease_ms", "5", "from 100 to 600000"]),
        ("orders", "saga.lease_ms", "[1]", ["saga.lease_ms", "[1]", "a whole number"]),
        ("orders", "saga.lease_ms", "soon", ["saga.lease_ms", "\"soon\"", "a whole number"]),
        ("orders", "saga.leese_ms", "5000", ["saga.leese_ms", "is not a key here", "lease_ms"]),
        ("orders", "sage.lease_ms", "5000", ["sage", "is not a section here", "saga"]),
        ("application", "sage.lease_ms", "5000", ["sage.lease_ms", "no application", "saga"]),
        (
            "application",
            "wires.orders.inventory",
            "pigeon",
            ["wires.orders.inventory", "\"pigeon\"", "\"grpc\""],
        ),
        ("orders", "wires.orders.nobody", "grpc", ["wires.orders.nobody", "is not a key here", "inventory"]),
        ("orders", "saga.card_secret", "hunter2", ["saga.card_secret", "reference", "secret:NAME"]),
        (
            "payments",
            "card_network.url",
            "http://127.0.0.1:1",
            ["card_network.url", "environment", "payments-1"],
        ),
        ("nobody", "saga.lease_ms", "5000", ["nobody", "there is no application", "not_found"]),
    ] {
        let (code, out, err) = shop.run(&["config", "set", application, key, value]).await;
        assert_ne!(code, 0, "{application} {key} = {value} was taken: {out}");
        for part in says {
            assert!(err.contains(part), "{application} {key} = {value}: {err:?} does not say {part:?}");
        }
    }
    assert_eq!(history(&shop, "orders").await, before, "nothing changed");
    shop.place_confirmed(&order_of("KIT-0001", 1, "tok_approve")).await;
    shop.stop().await;
    // a refused change must not stand in the way of the next start, either
    let shop = Shop::start_on(PROGRAM, &data, &[]).await;
    shop.place_confirmed(&order_of("KIT-0001", 1, "tok_approve")).await;
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_hold_at_once_are_remembered_and_survive_a_restart() {
    let home = tempfile::tempdir().expect("a folder");
    let data = home.path().join("shop");
    let shop = Shop::start_on(PROGRAM, &data, &[]).await;
    let file_value = value(&shop, "orders", "saga.lease_ms").await;

    let first = set(&shop, "saga.lease_ms", "4000").await;
    let second = set(&shop, "saga.lease_ms", "6000").await;
    assert!(second > first);
    assert_eq!(runs_with(&shop, "saga.lease_ms").await, json!(6000));
    shop.stop().await;

    let shop = Shop::start_on(PROGRAM, &data, &[]).await;
    assert_eq!(value(&shop, "orders", "saga.lease_ms").await, json!(6000), "it survived");
    assert_eq!(runs_with(&shop, "saga.lease_ms").await, json!(6000));
    let back = ["config", "rollback", "orders", &first.to_string(), "--json"];
    let third = json(shop.run(&back).await)["version"].as_u64().expect("a version");
    assert_eq!(value(&shop, "orders", "saga.lease_ms").await, json!(4000));
    eventually("orders to run with it", PATIENCE, async || {
        (runs_with(&shop, "saga.lease_ms").await == 4000).then_some(())
    })
    .await;

    let changes: Vec<Value> = history(&shop, "orders").await;
    let of_key: Vec<_> = changes.iter().filter(|change| change["key"] == "saga.lease_ms").collect();
    let told: Vec<_> = of_key
        .iter()
        .map(|change| (&change["version"], &change["kind"], &change["old"], &change["new"]))
        .collect();
    assert_eq!(
        told,
        [
            (&json!(third), &json!("rollback"), &json!(6000), &json!(4000)),
            (&json!(second), &json!("set"), &json!(4000), &json!(6000)),
            (&json!(first), &json!("set"), &Value::Null, &json!(4000)),
        ],
        "newest first"
    );
    let (code, _, err) = shop.run(&["config", "rollback", "orders", "999"]).await;
    assert!(code != 0 && err.contains("999"), "{err}");
    assert_eq!(json(shop.run(&["config", "rollback", "orders", "0", "--json"]).await)["version"], third + 1);
    assert_eq!(value(&shop, "orders", "saga.lease_ms").await, file_value, "as it was before any change");
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_corrupt_file_does_not_stop_the_shop_which_says_so_and_runs_with_the_last_good_content() {
    let home = tempfile::tempdir().expect("a folder");
    let (data, files) = (home.path().join("shop"), home.path().join("config"));
    copy_configuration(&files);
    let file = files.join("orders.toml");
    std::fs::write(&file, "[saga]\nlease_ms = 4321\n").expect("written");
    let arguments = ["--config", files.to_str().expect("UTF-8")];

    let shop = Shop::start_on(PROGRAM, &data, &arguments).await;
    assert_eq!(runs_with(&shop, "saga.lease_ms").await, json!(4321));
    assert!(!shop.complaints().contains("warning"), "{}", shop.complaints());
    shop.stop().await;

    std::fs::write(&file, "[saga\nlease_ms = oops").expect("written");
    let shop = Shop::start_on(PROGRAM, &data, &arguments).await;
    assert_eq!(runs_with(&shop, "saga.lease_ms").await, json!(4321), "its last good content holds");
    eventually("up to complain of the file", PATIENCE, async || {
        let complaints = shop.complaints();
        let said = ["warning", "orders.toml", "last good content", "line "].iter();
        said.into_iter().all(|part| complaints.contains(part)).then_some(())
    })
    .await;
    let (_, status, _) = shop.run(&["status"]).await;
    assert!(status.contains("orders.toml cannot be used"), "{status}");
    let warnings = &json(shop.run(&["status", "--json"]).await)["warnings"];
    assert!(warnings[0].as_str().is_some_and(|warning| warning.contains("orders.toml")), "{warnings}");
    shop.place_confirmed(&order_of("KIT-0001", 1, "tok_approve")).await;

    // mended while it runs: no restart is needed
    std::fs::write(&file, "[saga]\nlease_ms = 4322\n").expect("written");
    eventually("orders to run with the mended file", PATIENCE, async || {
        (runs_with(&shop, "saga.lease_ms").await == 4322).then_some(())
    })
    .await;
    let (_, status, _) = shop.run(&["status"]).await;
    assert!(!status.contains("cannot be used"), "{status}");
    shop.stop().await;
}

fn copy_configuration(to: &Path) {
    let from = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../config");
    std::fs::create_dir(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("the configuration").flatten() {
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
    }
}

/// Sets a key of orders; the version of the change, which every instance runs with.
async fn set(shop: &Shop, key: &str, value: &str) -> u64 {
    let settled = json(shop.run(&["config", "set", "orders", key, value, "--json"]).await);
    assert_eq!(settled["taken_over"], true, "{settled:#}");
    assert_eq!(settled["running"], json!(ground().instances(Part::Orders)));
    settled["version"].as_u64().expect("a version")
}

async fn value(shop: &Shop, application: &str, key: &str) -> Value {
    let effective = json(shop.run(&["config", "get", application, key, "--json"]).await);
    effective["values"][key]["value"].clone()
}

/// What the process itself says that it runs with.
async fn runs_with(shop: &Shop, key: &str) -> Value {
    let address = shop.inside("orders").await;
    let report =
        shop.http.get(format!("http://{address}/control/orders/config")).send().await.expect("an answer");
    let report: Value = report.json().await.expect("JSON");
    let keys = report["keys"].as_array().expect("keys");
    keys.iter().find(|entry| entry["key"] == key).map(|entry| entry["value"].clone()).expect("the key")
}

async fn history(shop: &Shop, application: &str) -> Vec<Value> {
    let told = json(shop.run(&["config", "history", application, "--json"]).await);
    told.as_array().expect("a list").clone()
}
