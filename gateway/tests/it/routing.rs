//! What is public, where it leads, and what the gateway says of itself.

use axum::Router;
use axum::extract::{OriginalUri, Request};
use axum::response::IntoResponse;
use axum::routing::get;
use chassis::http::Refusal;
use contracts::{Code, Problem};
use gateway::routes::{Method, RouteConfig};

use crate::support::{Setup, problem, upstream};

fn echo() -> Router {
    Router::new().fallback(async |request: Request| format!("{} {}", request.method(), request.uri()))
}

#[tokio::test]
async fn a_public_path_becomes_the_services_own() {
    let address = upstream(echo()).await;
    let edge = Setup::new().service("catalog", &[address]).service("payments", &[address]).start().await;
    for (path, own) in [
        ("/api/products", "GET /products"),
        ("/api/products?limit=3&category=caf%C3%A9+bar", "GET /products?limit=3&category=caf%C3%A9+bar"),
        ("/api/products/search?query=a%2Fb", "GET /products/search?query=a%2Fb"),
        ("/api/products/caf%C3%A9", "GET /products/caf%C3%A9"),
        ("/api/payments/ledger", "GET /ledger"),
    ] {
        let answer = reqwest::get(edge.url(path)).await.unwrap();
        assert_eq!(answer.text().await.unwrap(), own);
    }
}

#[tokio::test]
async fn nothing_is_reachable_that_is_not_listed() {
    let address = upstream(echo()).await;
    let setup = ["catalog", "inventory", "payments", "shipping", "orders"]
        .into_iter()
        .fold(Setup::new(), |setup, name| setup.service(name, &[address]));
    let edge = setup.start().await;
    let client = reqwest::Client::new();
    for operation in contracts::all_operations() {
        let refused = client.put(edge.url(operation.path)).send().await.unwrap();
        assert_eq!(problem(refused).await.0, "not_found", "{}", operation.path);
    }
    for path in
        ["/api/products/batch?skus=A", "/api/audit/orders", "/api/orders/", "//api/orders", "/api//orders"]
    {
        let refused = client.get(edge.url(path)).send().await.unwrap();
        assert_eq!(problem(refused).await.0, "not_found", "{path}");
    }
}

#[tokio::test]
async fn another_method_is_refused_with_those_there_are() {
    let edge = Setup::new().start().await;
    let refused = reqwest::Client::new().delete(edge.url("/api/orders")).send().await.unwrap();
    assert_eq!(refused.status(), 405);
    assert_eq!(refused.headers()["allow"], "POST, GET, HEAD");
    assert_eq!(problem(refused).await.0, "method_not_allowed");
}

#[tokio::test]
async fn the_gateway_says_what_it_is() {
    let edge = Setup::new().start().await;
    let plain = reqwest::get(edge.url("/")).await.unwrap();
    assert_eq!(plain.headers()["content-type"], "text/plain; charset=utf-8");
    let text = plain.text().await.unwrap();
    assert!(text.contains(&format!("curl 'http://{}/api/products", edge.address)), "{text}");
    assert!(
        text.contains("/api/orders/{order_id}/timeline")
            && text.contains("/tradewind.orders.v1.Orders/Place")
    );

    let browser = reqwest::Client::new()
        .get(edge.url("/"))
        .header("accept", "text/html,*/*")
        .header("host", "<script>");
    let page = browser.send().await.unwrap();
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert!(!page.text().await.unwrap().contains("<script>"));

    let routes: serde_json::Value = reqwest::get(edge.url("/api")).await.unwrap().json().await.unwrap();
    let place = routes.as_array().unwrap().iter().find(|route| route["methods"][0] == "POST").unwrap();
    assert_eq!((place["path"].as_str(), place["service"].as_str()), (Some("/api/orders"), Some("orders")));
}

#[tokio::test]
async fn faulty_routes_are_refused_whole_with_every_fault() {
    use chassis::config::{Live, Section};
    let mut config = gateway::GatewayConfig::default();
    let faulty =
        RouteConfig { service: "not a name".into(), rewrite: "/{other}".into(), ..config.routes[0].clone() };
    let place = format!("routes[{}]", config.routes.len());
    config.routes.push(faulty);
    assert_eq!(config.check().len(), 2);
    let refused =
        gateway::router(std::sync::Arc::new(chassis::discovery::StaticDirectory::new()), Live::fixed(config));
    let problem = refused.expect_err("faulty");
    assert_eq!(problem.code, Code::InvalidRequest);
    for field in ["service", "rewrite"] {
        assert!(problem.detail.contains(&format!("{place}.{field}")), "{problem}");
    }
}

#[tokio::test]
async fn a_service_in_this_process_answers_like_one_that_is_not() {
    let orders = Router::new()
        .route(
            "/orders/{id}",
            get(async |OriginalUri(uri): OriginalUri| ([("location", uri.path().to_owned())], "here")),
        )
        .route(
            "/orders",
            get(async || Refusal(Problem::new(Code::InProgress, "twice").at("/orders/1")).into_response()),
        );
    let remote =
        upstream(orders.clone().layer(axum::middleware::from_fn(chassis::http::problems::write))).await;
    let near = Setup::new().local("orders", orders).start().await;
    let far = Setup::new().service("orders", &[remote]).start().await;
    for edge in [near, far] {
        let answer = reqwest::get(edge.url("/api/orders/17")).await.unwrap();
        assert_eq!(answer.headers()["location"], "/api/orders/17");
        assert_eq!(answer.text().await.unwrap(), "here");
        let refused = reqwest::get(edge.url("/api/orders")).await.unwrap();
        assert_eq!(refused.status(), 409);
        assert_eq!(refused.headers()["location"], "/api/orders/1");
        assert_eq!(refused.headers()["content-type"], "application/problem+json");
    }
}

#[tokio::test]
async fn head_is_let_through_where_get_is() {
    let address = upstream(Router::new().route("/products", get(async || "12345"))).await;
    let edge = Setup::new().service("catalog", &[address]).start().await;
    let answer = reqwest::Client::new().head(edge.url("/api/products")).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["content-length"]), (200, &"5".parse().unwrap()));
    assert!(Method::Get.admits(&http::Method::HEAD) && !Method::Post.admits(&http::Method::HEAD));
}
