//! The control endpoints.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, header};
use contracts::Code;
use serde::de::DeserializeOwned;
use tower::ServiceExt as _;

use super::*;
use crate::store::{StoreStatus, Stores};

async fn ask<T: DeserializeOwned>(
    routes: &Router,
    method: Method,
    path: &str,
    body: &str,
) -> Result<T, Problem> {
    let request = Request::builder().method(method).uri(path);
    let request = request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_owned()));
    let mut response = routes.clone().oneshot(request.expect("a request")).await.expect("an answer");
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        return Err(problem);
    }
    let body = to_bytes(response.into_body(), 1 << 20).await.expect("a body");
    Ok(serde_json::from_slice(&body).expect("JSON as promised"))
}

async fn status(routes: &Router) -> StoreStatus {
    ask(routes, Method::GET, "/store", "").await.expect("a status")
}

async fn relocate(routes: &Router, body: &str) -> Result<Report, Problem> {
    ask(routes, Method::POST, "/store/move", body).await
}

#[tokio::test]
async fn a_store_is_watched_and_moved_at_its_endpoints() {
    for shop in shops().await {
        let stores = Stores::new(
            shop.url.clone(),
            shop.data.path(),
            Placement::Shared,
            AbortAt::default(),
            Duration::ZERO,
        );
        let migrations = Migrator::with_migrations(Vec::new());
        stores.open("parts", &migrations).await.expect("opens");
        let routes = stores.control_routes("parts");
        let before = status(&routes).await;
        assert_eq!((before.placement, before.relocation), (Placement::Shared, None), "by default");
        assert_eq!(before.tables.len(), 1, "{:?}", before.tables);

        let report = relocate(&routes, r#"{"to": "own", "hold_ms": 4000}"#).await.expect("moves");
        assert_eq!((report.from, report.outcome), (Placement::Shared, Outcome::Moved));
        let after = status(&routes).await;
        assert_eq!((after.placement, &after.tables), (Placement::Own, &before.tables));
        assert_eq!(after.engine, before.engine);
        let seen = after.relocation.expect("a move");
        assert_eq!((seen.phase, seen.report), (Phase::Done, Some(report)), "on {}", shop.name);

        let again = relocate(&routes, r#"{"to": "own"}"#).await.expect("nothing to do");
        assert_eq!(again.outcome, Outcome::AlreadyThere);
        for (body, code) in [
            (r#"{"to": "elsewhere"}"#, Code::InvalidRequest),
            (r#"{"to": "own", "hold_ms": 0}"#, Code::InvalidRequest),
            (r#"{"to": "own", "hold_ms": 60000}"#, Code::InvalidRequest),
        ] {
            assert_eq!(relocate(&routes, body).await.expect_err(body).code, code, "{body}");
        }
    }
}

#[tokio::test]
async fn a_module_without_a_store_has_no_such_endpoints() {
    let shop = shops().await.swap_remove(0);
    let stores =
        Stores::new(shop.url.clone(), shop.data.path(), Placement::Own, AbortAt::default(), Duration::ZERO);
    let request = Request::get("/store").body(Body::empty()).expect("a request");
    let response = stores.control_routes("gateway").oneshot(request).await.expect("an answer");
    assert_eq!(response.status(), 404);
}
