//! Each request and each test card, over HTTP.

use std::time::Duration;

use card_network::{CardNetwork, Config};
use chassis::process::run_standalone;
use chassis::store::StoreUrl;
use futures::future::join_all;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use testkit::Database;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A network on a port of its own, which stops with this value.
struct Network {
    client: Client,
    url: String,
    _database: Database,
    _stop: DropGuard,
}

async fn networks() -> Vec<Network> {
    let mut networks = Vec::new();
    for database in testkit::databases().await {
        let store = StoreUrl::parse(&database.url).expect("an address");
        let config =
            Config { slow: Duration::from_millis(200), hang: Duration::from_secs(60), ..Config::new(store) };
        let network = CardNetwork::open(config).await.expect("opens");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/holds", listener.local_addr().expect("its address"));
        let stop = CancellationToken::new();
        tokio::spawn(run_standalone(network.router(), listener, stop.clone(), std::future::ready(())));
        networks.push(Network { client: Client::new(), url, _database: database, _stop: stop.drop_guard() });
    }
    networks
}

impl Network {
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<(StatusCode, Value), reqwest::Error> {
        self.send_within(PATIENCE, method, path, body).await
    }

    async fn send_within(
        &self,
        patience: Duration,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<(StatusCode, Value), reqwest::Error> {
        let mut request = self.client.request(method, format!("{}/{path}", self.url)).timeout(patience);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await?;
        Ok((response.status(), response.json().await?))
    }

    async fn hold(&self, key: &str, card: &str) -> (StatusCode, Value) {
        self.send(Method::PUT, key, Some(order(card))).await.expect("an answer")
    }

    async fn act(&self, method: Method, path: &str) -> (StatusCode, Value) {
        self.send(method, path, None).await.expect("an answer")
    }

    async fn record(&self, key: &str) -> Value {
        self.act(Method::GET, key).await.1
    }

    /// Waits until the record says so.
    async fn shows(&self, key: &str, field: &str, value: Value) {
        let what = format!("{field} of {key} to be {value}");
        testkit::eventually(&what, PATIENCE, || async {
            (self.record(key).await[field] == value).then_some(())
        })
        .await;
    }
}

/// For an answer that comes, on a busy machine as well.
const PATIENCE: Duration = Duration::from_secs(20);
/// For an answer that does not come.
const IMPATIENCE: Duration = Duration::from_secs(2);

fn order(card: &str) -> Value {
    json!({ "card": card, "amount": 1999, "currency": "EUR" })
}

#[tokio::test]
async fn money_is_held_paid_out_and_given_back_once_however_often_it_is_asked_for() {
    for network in networks().await {
        for _ in 0..2 {
            let (status, record) = network.hold("k1", "tok_approve").await;
            assert_eq!((status, &record["state"]), (StatusCode::OK, &json!("held")));
        }
        for method in [Method::PUT, Method::POST] {
            let (status, record) = network.act(method, "k1/capture").await;
            assert_eq!((status, &record["state"]), (StatusCode::OK, &json!("captured")));
        }
        let (status, fault) = network.act(Method::PUT, "k1/void").await;
        assert_eq!(
            (status, &fault["error"], &fault["hold"]["state"]),
            (StatusCode::CONFLICT, &json!("conflict"), &json!("captured"))
        );
        for method in [Method::PUT, Method::POST] {
            assert_eq!(network.act(method, "k1/refund").await.0, StatusCode::OK);
        }
        let expected = json!({
            "key": "k1", "state": "refunded", "amount": 1999, "currency": "EUR",
            "holds": 1, "captures": 1, "captured": 1999, "voided": 0, "refunded": 1999,
        });
        assert_eq!(network.record("k1").await, expected);
    }
}

#[tokio::test]
async fn a_void_before_its_hold_refuses_it() {
    for network in networks().await {
        assert_eq!(network.act(Method::PUT, "k1/void").await.0, StatusCode::OK);
        let (status, fault) = network.hold("k1", "tok_approve").await;
        assert_eq!((status, &fault["hold"]["holds"]), (StatusCode::CONFLICT, &json!(0)));
    }
}

#[tokio::test]
async fn a_refusal_is_remembered() {
    for network in networks().await {
        for (card, code) in [
            ("tok_decline", "declined"),
            ("tok_insufficient_funds", "insufficient_funds"),
            ("tok_nobody", "unknown_card"),
        ] {
            for _ in 0..2 {
                let (status, fault) = network.hold(card, card).await;
                assert_eq!((status, &fault["error"]), (StatusCode::PAYMENT_REQUIRED, &json!(code)));
            }
            let record = network.record(card).await;
            assert_eq!((&record["state"], &record["decline_code"]), (&json!("declined"), &json!(code)));
        }
    }
}

#[tokio::test]
async fn the_flaky_card_fails_every_other_time_and_does_nothing_then() {
    for network in networks().await {
        assert_eq!(network.hold("k1", "tok_flaky").await.0, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(network.act(Method::GET, "k1").await.0, StatusCode::NOT_FOUND, "nothing was done");
        assert_eq!(network.hold("k1", "tok_flaky").await.0, StatusCode::OK);
        assert_eq!(network.act(Method::PUT, "k1/capture").await.0, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(network.record("k1").await["captures"], json!(0));
        assert_eq!(network.act(Method::PUT, "k1/capture").await.0, StatusCode::OK);
        assert_eq!(network.act(Method::PUT, "k1/capture").await.0, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(network.record("k1").await["captures"], json!(1));
    }
}

#[tokio::test]
async fn the_slow_card_approves_after_its_delay() {
    for network in networks().await {
        let begun = std::time::Instant::now();
        assert_eq!(network.hold("k1", "tok_slow").await.0, StatusCode::OK);
        assert!(begun.elapsed() >= Duration::from_millis(200), "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn the_card_that_times_out_is_charged_and_can_be_looked_up() {
    for network in networks().await {
        let order = order("tok_charge_then_time_out");
        let lost = network.send_within(IMPATIENCE, Method::PUT, "k1", Some(order)).await;
        assert!(lost.expect_err("no answer").is_timeout());
        network.shows("k1", "state", json!("held")).await;
        let lost = network.send_within(IMPATIENCE, Method::PUT, "k1/capture", None).await;
        assert!(lost.expect_err("no answer").is_timeout());
        network.shows("k1", "captured", json!(1999)).await;
        assert_eq!(network.act(Method::PUT, "k1/refund").await.0, StatusCode::OK);
    }
}

#[tokio::test]
async fn twins_that_race_make_one_charge() {
    for network in networks().await {
        let holds = (0..8).map(|_| network.hold("k1", "tok_approve"));
        for (status, _) in join_all(holds).await {
            assert_eq!(status, StatusCode::OK);
        }
        let captures = (0..8).map(|_| network.act(Method::PUT, "k1/capture"));
        for (status, _) in join_all(captures).await {
            assert_eq!(status, StatusCode::OK);
        }
        let record = network.record("k1").await;
        assert_eq!(
            (&record["holds"], &record["captures"], &record["captured"]),
            (&json!(1), &json!(1), &json!(1999))
        );
    }
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_changes_nothing() {
    for network in networks().await {
        for body in [
            json!({ "card": "4111111111111111", "amount": 1, "currency": "EUR" }),
            json!({ "card": "tok_approve", "amount": 0, "currency": "EUR" }),
            json!({ "card": "tok_approve", "amount": 1, "currency": "euro" }),
            json!({ "card": "tok_approve", "amount": 1, "currency": "EUR", "tip": 1 }),
            json!({ "card": "tok_approve" }),
        ] {
            let (status, fault) =
                network.send(Method::PUT, "k1", Some(body.clone())).await.expect("an answer");
            assert!(status.is_client_error() && fault["error"].is_string(), "{body}: {status} {fault}");
        }
        let (status, _) =
            network.send(Method::PUT, "bad.key", Some(order("tok_approve"))).await.expect("an answer");
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(network.act(Method::GET, "k1").await.0, StatusCode::NOT_FOUND);
        assert_eq!(network.act(Method::PUT, "k1/capture").await.0, StatusCode::NOT_FOUND);

        network.hold("k1", "tok_approve").await;
        let other = json!({ "card": "tok_approve", "amount": 5, "currency": "EUR" });
        let (status, fault) = network.send(Method::PUT, "k1", Some(other)).await.expect("an answer");
        assert_eq!(
            (status, &fault["error"], &fault["hold"]),
            (StatusCode::CONFLICT, &json!("key_reused"), &Value::Null)
        );
    }
}
