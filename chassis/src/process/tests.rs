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
use crate::store::{Outcome, Placement, Report, StoreStatus, StoreUrl};

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

/// Who asks from elsewhere names the process as it is known there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_endpoints_answer_to_the_names_of_the_process_alone() {
    let data = tempfile::tempdir().expect("a folder");
    let bootstrap = Bootstrap {
        advertise: Some("[2001:db8::7]:9000".into()),
        hosts: vec!["orders.shop".into()],
        ..Bootstrap::alone(data.path().to_owned())
    };
    let listener = TcpListener::bind(bootstrap.listen).await.expect("listens");
    let address = listener.local_addr().expect("an address");
    let shutdown = CancellationToken::new();
    let running = run(bootstrap, listener, shutdown.clone(), async |platform: &Platform| {
        let configuration = platform.configure(Configuration::builder("parts")).await?;
        Ok(vec![Module::new("parts", Router::new(), configuration)])
    });
    let asking = async {
        let http = reqwest::Client::new();
        let asked_as = async |host: &str| {
            let request = http.get(format!("http://{address}/control/parts/config")).header("host", host);
            request.send().await.ok().map(|answer| answer.status().as_u16())
        };
        testkit::eventually("the process to be ready", PATIENCE, async || {
            asked_as(&address.to_string()).await.filter(|status| *status == 200)
        })
        .await;
        for (host, status) in [
            ("[2001:db8::7]:9000", 200),
            ("orders.shop:9000", 200),
            ("[2001:db8::8]:9000", 403),
            ("evil.example", 403),
        ] {
            assert_eq!(asked_as(host).await, Some(status), "{host}");
        }
        shutdown.cancel();
    };
    let (ended, ()) = tokio::join!(running, asking);
    ended.expect("drains");
}

#[tokio::test]
async fn a_process_that_waits_can_be_told_to_stop() {
    let data = tempfile::tempdir().expect("a folder");
    let alone = || Bootstrap::alone(data.path().to_owned());
    let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
    for bootstrap in [
        // nothing listens on port 1
        Bootstrap {
            store: StoreUrl::parse("postgres://shop@127.0.0.1:1/shop").expect("an address"),
            ..alone()
        },
        Bootstrap { config_server: Some("http://127.0.0.1:1".into()), ..alone() },
        Bootstrap { listen: everywhere, registry: Some("http://[::1]:1".into()), ..alone() },
    ] {
        let listener = TcpListener::bind(bootstrap.listen).await.expect("listens");
        let shutdown = CancellationToken::new();
        let running = run(bootstrap, listener, shutdown.clone(), async |platform: &Platform| {
            let configuration = platform.configure(Configuration::builder("parts")).await?;
            platform.store("parts", Migrator::with_migrations(Vec::new())).await?;
            Ok(vec![Module::new("parts", Router::new(), configuration)])
        });
        let stopping = async {
            tokio::task::yield_now().await;
            shutdown.cancel();
        };
        let both = async { tokio::join!(running, stopping) };
        let (ended, ()) = tokio::time::timeout(PATIENCE / 2, both).await.expect("ends at once");
        let ended = ended.expect_err("not ready");
        assert!(ended.is::<Stopped>(), "{ended:#}");
    }
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
