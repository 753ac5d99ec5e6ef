//! A process and its control endpoints, over HTTP.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use serde_json::{Value, json};
use sqlx::migrate::Migrator;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::config::Configuration;
use crate::store::{Outcome, Placement, Report, StoreStatus};

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_is_moved_by_whoever_holds_the_operator_token() {
    let data = tempfile::tempdir().expect("a folder");
    let bootstrap =
        Bootstrap { operator_token: Some("sesame".into()), ..Bootstrap::alone(data.path().to_owned()) };
    let listener = TcpListener::bind(bootstrap.listen).await.expect("listens");
    let address = listener.local_addr().expect("an address");
    let shutdown = CancellationToken::new();
    let running = run(bootstrap, listener, shutdown.clone(), async |platform: &Platform| {
        platform.store("parts", Migrator::with_migrations(Vec::new())).await?;
        let configuration = platform.configure(Configuration::builder("parts")).await?;
        Ok(vec![Module::new("parts", Router::new(), configuration)])
    });
    let asking = async {
        ask_and_move(address).await;
        shutdown.cancel();
    };
    let (ended, ()) = tokio::join!(running, asking);
    ended.expect("drains");
}

async fn ask_and_move(address: SocketAddr) {
    let http = reqwest::Client::new();
    let store = format!("http://{address}/control/parts/store");
    let status = testkit::eventually("the process to be ready", PATIENCE, async || {
        http.get(&store).send().await.ok()?.json::<StoreStatus>().await.ok()
    })
    .await;
    assert_eq!(status.placement, Placement::Own);

    let ask = || http.post(format!("{store}/move")).json(&json!({ "to": "shared" }));
    let refused = ask().send().await.expect("an answer");
    assert_eq!(refused.status(), 401, "not by anybody");
    let moved = ask().bearer_auth("sesame").send().await.expect("an answer");
    let report: Report = moved.json().await.expect("a report");
    assert_eq!((report.to, report.outcome), (Placement::Shared, Outcome::Moved));
    let status: Value = http.get(&store).send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!((&status["placement"], &status["move"]["phase"]), (&json!("shared"), &json!("done")));
}
