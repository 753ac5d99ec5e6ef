//! The typed API, read: layers, sources, ETags.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{TestServer, problem};

const EFFECTIVE: &str = "/api/applications/orders/default/effective";

#[tokio::test]
async fn each_value_comes_from_the_most_specific_layer_and_says_which() {
    let server = TestServer::start(&[
        ("application.toml", "[saga]\nlease_ms = 1\ncoordination = 'orchestrated'\nworkers = 1\nhosts = ['a']\n[only]\nshared = 1"),
        ("orders.toml", "[saga]\nlease_ms = 2\nworkers = 2\nhosts = ['b']"),
        ("application-dev.toml", "[saga]\nworkers = 3\nhosts = ['c']"),
        ("orders-dev.toml", "[saga]\nhosts = ['d', 'e']"),
    ])
    .await;
    let dev = server.json("/api/applications/orders/dev/effective").await;
    let value =
        |key: &str| (dev["values"][key]["value"].clone(), dev["values"][key]["origin"]["name"].clone());
    assert_eq!(value("saga.coordination"), (json!("orchestrated"), json!("application.toml")));
    assert_eq!(value("saga.lease_ms"), (json!(2), json!("orders.toml")));
    assert_eq!(value("saga.workers"), (json!(3), json!("application-dev.toml")));
    assert_eq!(value("saga.hosts"), (json!(["d", "e"]), json!("orders-dev.toml")));
    assert_eq!(dev["values"]["saga.hosts"]["origin"]["layer"], "profile");

    let plain = server.json(EFFECTIVE).await;
    assert_eq!(plain["values"]["saga.workers"]["value"], 2, "a profile holds only where it is asked for");
    server.set("saga.workers", 9).await;
    let changed = server.json("/api/applications/orders/dev/effective").await;
    assert_eq!(changed["values"]["saga.workers"]["value"], 9, "a runtime change lies over every file");
    assert_eq!(changed["values"]["saga.workers"]["origin"]["layer"], "runtime");
}

#[tokio::test]
async fn once_the_schema_is_known_defaults_are_listed_and_foreign_sections_are_not() {
    let server =
        TestServer::start(&[("application.toml", "[log]\nlevel = 'warn'\n[gateway]\nroutes = 1")]).await;
    assert!(server.json(EFFECTIVE).await["values"].get("gateway.routes").is_some());
    let _service = server.service(&[]).await;
    let effective = server.json(EFFECTIVE).await;
    assert!(effective["values"].get("gateway.routes").is_none(), "{effective}");
    assert_eq!(
        effective["values"]["saga.lease_ms"],
        json!({"value": 5000, "origin": {"layer": "default", "scope": "own", "name": "default"}})
    );
}

#[tokio::test]
async fn an_etag_spares_the_body_until_something_changes() {
    let server = TestServer::start(&[("orders.toml", "[saga]\nlease_ms = 2")]).await;
    let first = server.get(EFFECTIVE).await;
    let etag = first.headers()["etag"].clone();
    let again = |etag| server.request(Method::GET, EFFECTIVE).header("if-none-match", etag).send();
    let unchanged = again(etag.clone()).await.expect("an answer");
    assert_eq!(unchanged.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(unchanged.headers()["etag"], etag);
    assert_eq!(unchanged.text().await.expect("a body"), "");
    server.set("saga.lease_ms", 3).await;
    let changed = again(etag.clone()).await.expect("an answer");
    assert_eq!(changed.status(), StatusCode::OK);
    assert_ne!(changed.headers()["etag"], etag);
}

#[tokio::test]
async fn applications_and_status_say_what_there_is() {
    let server = TestServer::start(&[
        ("orders.toml", ""),
        ("card-network.toml", ""),
        ("card-network-dev.toml", ""),
        ("application.toml", ""),
    ])
    .await;
    let _service = server.service(&[]).await;
    let names: Vec<_> = server
        .admin()
        .applications()
        .await
        .expect("an answer")
        .into_iter()
        .map(|app| (app.name, app.has_schema, app.instances))
        .collect();
    assert_eq!(
        names,
        [
            ("application".to_owned(), false, 1),
            ("card-network".to_owned(), false, 0),
            ("orders".to_owned(), true, 1)
        ]
    );
    let status = server.admin().status().await.expect("an answer");
    assert_eq!(status.files.len(), 4);
    assert!(status.version > 0);
}

#[tokio::test]
async fn names_that_are_none_are_refused_as_problems() {
    let server = TestServer::start(&[]).await;
    for path in [
        "/api/applications/..%2f..%2fetc/default/effective",
        "/api/applications/orders/a%0ab/effective",
        "/api/applications/%20/instances",
    ] {
        let (status, body) = problem(server.get(path).await).await;
        assert_eq!((status, &body["code"]), (StatusCode::BAD_REQUEST, &json!("invalid_request")), "{path}");
    }
    for path in ["/api/applications/orders", "/a/b/c/d", "/nothing"] {
        let (status, _) = problem(server.get(path).await).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
    let (status, _) = problem(
        server
            .request(Method::PATCH, "/api/status")
            .bearer_auth(crate::support::TOKEN)
            .send()
            .await
            .expect("an answer"),
    )
    .await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
}
