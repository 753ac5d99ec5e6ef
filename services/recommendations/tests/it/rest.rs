//! The routes of the port, and those of the control plane.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use recommendations::replay::{ReplayState, ReplayStatus};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::stories::confirmed;
use crate::{Bench, benches};

async fn ask(routes: axum::Router, method: Method, target: &str) -> (StatusCode, Value) {
    let routes = routes.layer(axum::middleware::from_fn(chassis::http::problems::write));
    let request = Request::builder().method(method).uri(target).body(Body::empty()).expect("a request");
    let response = routes.oneshot(request).await.expect("routers do not fail");
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.expect("a body");
    (status, serde_json::from_slice(&body).expect("JSON"))
}

impl Bench {
    async fn get(&self, target: &str) -> (StatusCode, Value) {
        ask(recommendations::routes(self.service.clone()), Method::GET, target).await
    }
}

#[tokio::test]
async fn the_port_over_rest() {
    for bench in benches().await {
        let _instance = bench.instance();
        bench.log.append([confirmed(1, "ada", &["A", "B", "C"]), confirmed(2, "bob", &["A"])]);
        bench.caught_up().await;
        let (status, answer) = bench.get("/recommendations/products/A?limit=1").await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(answer, serde_json::json!({ "items": [{ "sku": "B", "together": 1 }], "as_of": 2 }));
        let (status, answer) = bench.get("/recommendations/customers/bob").await;
        assert_eq!((status, answer["items"][1]["sku"].as_str()), (StatusCode::OK, Some("C")));
        let (status, page) = bench.get("/audit/recommendations?limit=1").await;
        assert_eq!((status, page["items"][0]["standing"].as_str()), (StatusCode::OK, Some("counts")));
        for (target, field) in [
            ("/recommendations/products/A?limit=0", "limit"),
            ("/recommendations/products/A?limit=x", "limit"),
            ("/recommendations/products/no%20sku", "sku"),
            ("/recommendations/customers/%00", "customer_id"),
        ] {
            let (status, problem) = bench.get(target).await;
            assert_eq!(
                (status, problem["code"].as_str(), problem["faults"][0]["field"].as_str()),
                (StatusCode::BAD_REQUEST, Some("invalid_request"), Some(field)),
                "{target}: {problem}"
            );
        }
    }
}

#[tokio::test]
async fn the_control_endpoint_begins_a_replay_and_says_how_it_stands() {
    for bench in benches().await {
        let routes = || recommendations::replay::routes(bench.replays());
        let read = |body: Value| serde_json::from_value::<ReplayStatus>(body).expect("a status");
        let (status, body) = ask(routes(), Method::GET, "/replay").await;
        assert_eq!((status, read(body).state), (StatusCode::OK, ReplayState::Idle));
        let (status, body) = ask(routes(), Method::POST, "/replay").await;
        assert_eq!((status, read(body).state), (StatusCode::ACCEPTED, ReplayState::Replaying));
        let (status, problem) = ask(routes(), Method::POST, "/replay").await;
        assert_eq!((status, problem["code"].as_str()), (StatusCode::CONFLICT, Some("in_progress")));
        let (status, body) = ask(routes(), Method::GET, "/replay").await;
        assert_eq!((status, read(body).state), (StatusCode::OK, ReplayState::Replaying));
    }
}
