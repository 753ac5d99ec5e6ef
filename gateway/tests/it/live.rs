//! Routes that change while requests come in.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::routing::{get, put};
use axum::{Json, Router};
use bytes::Bytes;
use chassis::config::protocol::{Effective, Sourced};
use chassis::config::{Configuration, Layer, Origin, Scope, Source};
use chassis::discovery::StaticDirectory;
use futures::StreamExt;
use gateway::GatewayConfig;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;
use tokio_util::sync::CancellationToken;

use crate::support::{serve, upstream, within};

type Board = Arc<watch::Sender<Effective>>;

/// What a config server says, as far as a service listens to it.
fn config_server(board: Board) -> Router {
    let watch = async |State(board): State<Board>| {
        let events = WatchStream::new(board.subscribe()).map(|effective| {
            Ok::<_, std::io::Error>(Bytes::from(format!(
                "data: {}\n\n",
                json!({"version": effective.version})
            )))
        });
        axum::body::Body::from_stream(events)
    };
    let base = "/api/applications/gateway";
    Router::new()
        .route(
            &format!("{base}/default/effective"),
            get(async |State(board): State<Board>| Json(board.borrow().clone())),
        )
        .route(&format!("{base}/default/watch"), get(watch))
        .route(&format!("{base}/instances/{{instance}}"), put(async || Json(json!({}))))
        .with_state(board)
}

fn effective(version: u64, routes: Value) -> Effective {
    let origin = Origin { layer: Layer::Runtime, scope: Scope::Own, name: format!("change {version}") };
    let values = [("gateway.routes".to_owned(), Sourced { value: routes, origin })].into();
    Effective { application: "gateway".into(), profile: "default".into(), version, values }
}

fn route(path: &str, rewrite: &str) -> Value {
    json!({"path": path, "methods": ["GET"], "service": "test", "rewrite": rewrite, "timeout_ms": 1000})
}

#[tokio::test]
async fn a_change_holds_for_the_next_request_and_a_faulty_one_changes_nothing() {
    let board: Board = Arc::new(watch::Sender::new(effective(1, json!([route("/api/old", "/old")]))));
    let server = upstream(config_server(board.clone())).await;
    let data = tempfile::tempdir().unwrap();
    let shutdown = CancellationToken::new();
    let _following = shutdown.clone().drop_guard();
    let source = Source { shutdown, ..Source::new(format!("http://{server}"), "gateway-1", data.path()) };
    let sections = Configuration::builder("gateway").section::<GatewayConfig>();
    let configuration = within(sections.load(&source)).await.unwrap();

    let service =
        upstream(Router::new().fallback(async |request: Request| request.uri().path().to_owned())).await;
    let directory = StaticDirectory::new().with("test", &[&service.to_string()]);
    let routes = gateway::router(Arc::new(directory), configuration.section()).unwrap();
    let (address, _running) = serve(routes).await;
    let ask = async |path: &str| {
        let answer = reqwest::get(format!("http://{address}{path}")).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(ask("/api/old").await, (200, "/old".into()));

    board.send_replace(effective(2, json!([route("/api/new", "/new")])));
    within(async { while ask("/api/new").await.0 != 200 {} }).await;
    assert_eq!(ask("/api/new").await.1, "/new");
    assert_eq!(ask("/api/old").await.0, 404);

    board.send_replace(effective(3, json!([route("/api/new", "/{nobody}"), route("no path", "/x")])));
    let refused = || configuration.report().refused.is_some_and(|refused| refused.version == 3);
    crate::support::until("the faulty change is refused", refused).await;
    assert_eq!(ask("/api/new").await, (200, "/new".into()));
    let report = serde_json::to_string(&configuration.report().refused).unwrap();
    assert!(report.contains("routes[0].rewrite") && report.contains("routes[1].path"), "{report}");
}
