//! The control plane is closed.

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::json;

use crate::support::{TOKEN, TestServer, problem};

const KEY: &str = "/api/applications/orders/default/keys/saga.lease_ms";

async fn refusal(request: RequestBuilder) -> (StatusCode, String) {
    let (status, body) = problem(request.send().await.expect("an answer")).await;
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_foreign_page_can_neither_read_nor_change() {
    let server = TestServer::start(&[("orders.toml", "")]).await;
    let forbidden = (StatusCode::FORBIDDEN, "forbidden".to_owned());
    for path in
        ["/api/status", "/orders/default", "/orders-default.yml", "/api/applications/orders/default/watch"]
    {
        let page = server.request(Method::GET, path).header("origin", "https://evil.example");
        assert_eq!(refusal(page).await, forbidden, "{path}");
        let rebound = server.request(Method::GET, path).header("host", "evil.example");
        assert_eq!(refusal(rebound).await, forbidden, "{path}");
        let image = server.request(Method::GET, path).header("sec-fetch-site", "cross-site");
        assert_eq!(refusal(image).await, forbidden, "{path}");
    }
    let change = server
        .request(Method::PUT, KEY)
        .bearer_auth(TOKEN)
        .header("if-match", "*")
        .json(&json!({"value": 1}));
    assert_eq!(refusal(change.header("origin", "https://evil.example")).await, forbidden);
}

#[tokio::test]
async fn a_change_needs_the_operator_token() {
    let server = TestServer::start(&[("orders.toml", "")]).await;
    let change = || server.request(Method::PUT, KEY).header("if-match", "*").json(&json!({"value": 1}));
    let response = change().send().await.expect("an answer");
    assert!(response.headers().contains_key("www-authenticate"));
    let unauthenticated = (StatusCode::UNAUTHORIZED, "unauthenticated".to_owned());
    assert_eq!(refusal(change()).await, unauthenticated);
    assert_eq!(refusal(change().bearer_auth("open sesam")).await, unauthenticated);
    let rollback = server
        .request(Method::POST, "/api/applications/orders/default/rollback")
        .json(&json!({"version": 0}));
    assert_eq!(refusal(rollback).await, unauthenticated);
    assert_eq!(change().bearer_auth(TOKEN).send().await.expect("an answer").status(), StatusCode::OK);
}

#[tokio::test]
async fn a_service_reports_without_a_token_but_a_page_cannot() {
    let server = TestServer::start(&[]).await;
    let report = json!({
        "profile": "default", "schema": {"type": "object", "properties": {}}, "overrides": {},
        "version": null, "pending_restart": [], "refused": null,
    });
    let path = "/api/applications/orders/instances/orders-1";
    let put = || server.request(Method::PUT, path).json(&report);
    assert_eq!(put().send().await.expect("an answer").status(), StatusCode::NO_CONTENT);
    let own_page = put().header("origin", server.url(""));
    assert_eq!(refusal(own_page).await.0, StatusCode::FORBIDDEN);
    let nonsense = server.request(Method::PUT, path).json(&json!({"profile": "default"}));
    assert_eq!(refusal(nonsense).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn only_so_many_applications_may_publish_a_schema() {
    let server = TestServer::start(&[]).await;
    let schema = |default: u32| json!({"type": "object", "properties": {"x": {"default": {"y": default}}}});
    for number in 0..256 {
        let response = server.publish(&format!("app-{number}"), &schema(1)).await;
        assert_eq!(response.status(), StatusCode::NO_CONTENT, "{number}");
    }
    let (status, body) = problem(server.publish("one-too-many", &schema(1)).await).await;
    assert_eq!((status, &body["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("unavailable")));
    assert_eq!(server.publish("app-7", &schema(2)).await.status(), StatusCode::NO_CONTENT, "it is known");
}
