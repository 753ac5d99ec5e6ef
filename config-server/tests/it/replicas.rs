//! Several servers on one database.

use std::future::ready;

use axum::Router;
use axum::http::Uri;
use axum::response::Redirect;
use chassis::config::Source;
use chassis::store::StoreUrl;
use serde_json::json;
use tokio::net::TcpListener;

use crate::support::{DEADLINE, Service, TestServer};

/// An address that sends watches to one server and all else to another, as one before several servers may.
async fn split(watches: &TestServer, all_else: &TestServer) -> String {
    let (watches, all_else) = (watches.url(""), all_else.url(""));
    let routes = Router::new().fallback(move |uri: Uri| {
        let server = if uri.path().ends_with("/watch") { &watches } else { &all_else };
        ready(Redirect::temporary(&format!("{server}{uri}")))
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, routes).await });
    format!("http://{address}")
}

async fn service(instance: &str, by_way_of: String, replica: &TestServer) -> Service {
    let data = tempfile::tempdir().expect("a folder");
    let source = replica.source(data.path(), &[]);
    Service::start(Source { server: by_way_of, instance: instance.into(), ..source }, data).await
}

/// Every replica has files of its own, and sees a change of them at a moment of its own. The one that saw it later
/// found it recorded, and told nobody.
#[tokio::test]
async fn a_file_that_another_replica_saw_changed_first_reaches_everybody() {
    for database in testkit::databases().await {
        let url = StoreUrl::parse(&database.url).expect("an address");
        let before = [("orders.toml", "[saga]\nlease_ms = 1")];
        let (mut first, mut second) =
            (TestServer::replica_on(&url, &before).await, TestServer::replica_on(&url, &before).await);
        let services = [
            service("orders-1", second.url(""), &second).await,
            service("orders-2", split(&first, &second).await, &second).await,
        ];
        let version = second.admin().status().await.expect("an answer").version;
        let follow = async |expected: u64, lease_ms: u64| {
            for service in &services {
                let told = format!("version {expected} with {lease_ms} ms on {}", database.name);
                testkit::eventually(&told, DEADLINE, || async {
                    let runs = (service.configuration.report().version, service.saga.get().lease_ms);
                    (runs == (expected, lease_ms)).then_some(())
                })
                .await;
            }
        };
        first.write("orders.toml", "[saga]\nlease_ms = 22");
        follow(version + 1, 1).await;
        second.write("orders.toml", "[saga]\nlease_ms = 22");
        follow(version + 2, 22).await;

        let history = second.admin().history("orders", "default", 2).await.expect("is told");
        assert_eq!(history[0].new, history[1].new, "each notes what it found");
        assert_eq!(
            second.admin().status().await.expect("an answer").version,
            version + 2,
            "and notes it once"
        );
        drop(services);
        first.stop().await;
        second.stop().await;
    }
}

#[tokio::test]
async fn what_one_replica_has_changed_is_known_to_another_when_it_is_asked() {
    for database in testkit::databases().await {
        let url = StoreUrl::parse(&database.url).expect("an address");
        let files = [("orders.toml", "")];
        let mut one = TestServer::replica_on(&url, &files).await;
        let mut two = TestServer::inattentive_replica_on(&url, &files).await;
        let version = one.set("saga.lease_ms", 7).await;
        let effective = two.json("/api/applications/orders/default/effective").await;
        let served = (&effective["version"], &effective["values"]["saga.lease_ms"]["value"]);
        assert_eq!(served, (&json!(version), &json!(7)), "{}", database.name);

        one.set("saga.lease_ms", 8).await;
        let decided = two.admin().set("orders", "default", "saga.workers", json!(9), "*").await;
        assert_eq!(decided.expect("no change was missed").version, version + 2, "{}", database.name);
        one.stop().await;
        two.stop().await;
    }
}
