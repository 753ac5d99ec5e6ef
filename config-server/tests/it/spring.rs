//! Spring Cloud Config's read API.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{TestServer, problem};

async fn server() -> TestServer {
    TestServer::start(&[
        ("application.toml", "[shop]\nname = 'Grün'\n[saga]\nlease_ms = 1"),
        ("orders.toml", "[saga]\nlease_ms = 2\nhosts = ['a', 'b']\nshare = 0.5"),
        ("orders-dev.toml", "[saga]\non = true"),
        ("orders-eu-west.toml", "[saga]\non = false"),
        ("card-network.toml", "[cards]\nslow_ms = 3"),
    ])
    .await
}

#[tokio::test]
async fn an_environment_lists_its_sources_the_most_specific_first() {
    let server = server().await;
    let environment = server.json("/orders/dev").await;
    assert_eq!(environment["name"], "orders");
    assert_eq!(environment["profiles"], json!(["dev"]));
    assert_eq!((&environment["label"], &environment["state"]), (&Value::Null, &Value::Null));
    assert!(environment["version"].is_string());
    let sources: Vec<_> = environment["propertySources"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|s| s["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(sources, ["file orders-dev.toml", "file orders.toml", "file application.toml"]);
    assert_eq!(
        environment["propertySources"][1]["source"],
        json!({"saga.lease_ms": 2, "saga.hosts[0]": "a", "saga.hosts[1]": "b", "saga.share": 0.5})
    );
}

#[tokio::test]
async fn of_several_profiles_the_last_weighs_most() {
    let server = server().await;
    let both = server.json("/orders/dev,eu-west").await;
    assert_eq!(both["profiles"], json!(["dev", "eu-west"]));
    assert_eq!(both["propertySources"][0]["name"], "file orders-eu-west.toml");
    assert_eq!(server.json("/orders-dev,eu-west.json").await["saga"]["on"], false);
    assert_eq!(server.json("/orders-eu-west,dev.json").await["saga"]["on"], true);
}

#[tokio::test]
async fn a_label_is_the_configured_one_or_none() {
    let server = server().await;
    assert_eq!(server.json("/orders/dev/main").await["label"], "main");
    assert_eq!(server.json("/main/orders-dev.json").await["saga"]["on"], true);
    for path in ["/orders/dev/other", "/other/orders-dev.json"] {
        let (status, body) = problem(server.get(path).await).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}: {body}");
    }
}

#[tokio::test]
async fn documents_in_every_form_say_the_same() {
    let server = server().await;
    let json = server.json("/orders-dev.json").await;
    assert_eq!(
        json,
        json!({"shop": {"name": "Grün"}, "saga": {"lease_ms": 2, "hosts": ["a", "b"], "share": 0.5, "on": true}})
    );
    for path in ["/orders-dev.yml", "/orders-dev.yaml", "/main/orders-dev.yml"] {
        let yaml: Value = serde_yaml_ng::from_str(&server.text(path).await).expect("YAML");
        assert_eq!(yaml, json, "{path}");
    }
    assert_eq!(
        server.text("/orders-dev.properties").await,
        "saga.hosts[0]: a\nsaga.hosts[1]: b\nsaga.lease_ms: 2\nsaga.on: true\nsaga.share: 0.5\nshop.name: Gr\\u00fcn\n"
    );
}

#[tokio::test]
async fn dashes_in_names_and_profiles_are_told_apart_by_what_is_known() {
    let server = server().await;
    assert_eq!(server.json("/orders-eu-west.json").await["saga"]["on"], false);
    assert_eq!(server.json("/card-network-default.json").await["cards"]["slow_ms"], 3);
}

#[tokio::test]
async fn runtime_changes_show_in_springs_api_too() {
    let server = server().await;
    server.set("saga.lease_ms", 77).await;
    let environment = server.json("/orders/default").await;
    assert_eq!(
        environment["propertySources"][0],
        json!({"name": "runtime change of orders/default", "source": {"saga.lease_ms": 77}})
    );
}
