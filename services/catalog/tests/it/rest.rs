//! What the REST adapter makes of queries: the parts that no other adapter shares.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::{Shop, shops};

async fn get(shop: &Shop, target: &str) -> (StatusCode, Value) {
    let port = Arc::new(catalog::service::Service::new(Arc::new(shop.store.clone())));
    let routes = catalog::routes(port).layer(axum::middleware::from_fn(chassis::http::problems::write));
    let request = Request::get(target).body(Body::empty()).expect("a request");
    let response = routes.oneshot(request).await.expect("routers do not fail");
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.expect("a body");
    (status, serde_json::from_slice(&body).expect("JSON"))
}

#[tokio::test]
async fn lists_searches_and_batches_are_read_from_the_query() {
    for shop in shops().await {
        let (status, page) = get(&shop, "/products?category=pets&limit=5").await;
        assert_eq!((status, page["items"].as_array().map(Vec::len)), (StatusCode::OK, Some(5)));
        let (status, page) = get(&shop, "/products/search?query=CAST%20iron%20skillet").await;
        assert_eq!((status, page["items"][0]["sku"].as_str()), (StatusCode::OK, Some("KIT-0001")));
        let (status, batch) = get(&shop, "/products/batch?skus=TOY-0001,KIT-0001").await;
        assert_eq!((status, batch["products"][1]["sku"].as_str()), (StatusCode::OK, Some("KIT-0001")));
        let (status, product) = get(&shop, "/products/KIT-0001").await;
        assert_eq!((status, product["price"]["amount"].as_i64()), (StatusCode::OK, Some(3490)));
    }
}

#[tokio::test]
async fn refusals_are_problems() {
    for shop in shops().await {
        for (target, status, code) in [
            ("/products/KIT-9999", 404, "unknown_sku"),
            ("/products?limit=0", 400, "invalid_request"),
            ("/products?cursor=nonsense", 400, "invalid_cursor"),
            ("/products/search?query=", 400, "invalid_request"),
            ("/products/search", 400, "invalid_request"),
            ("/products/batch?skus=", 400, "invalid_request"),
        ] {
            let (answered, problem) = get(&shop, target).await;
            assert_eq!(
                (answered.as_u16(), problem["code"].as_str()),
                (status, Some(code)),
                "{target}: {problem}"
            );
        }
    }
}
