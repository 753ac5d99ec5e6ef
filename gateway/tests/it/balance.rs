//! Which instance gets a request.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use futures::StreamExt;
use gateway::routes::Method;
use tokio::sync::Semaphore;

use crate::support::{Setup, until, upstream, within};

/// An upstream that holds requests to `/slow` until it is told to go on, and says which one it is.
struct Counter {
    address: std::net::SocketAddr,
    slow: Arc<AtomicUsize>,
    go_on: Arc<Semaphore>,
}

impl Counter {
    async fn start(name: &'static str) -> Self {
        let (slow, go_on) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
        let (count, wait) = (slow.clone(), go_on.clone());
        let held = get(async move || {
            count.fetch_add(1, Ordering::SeqCst);
            let _permit = wait.acquire().await;
            name
        });
        let routes = Router::new().route("/slow", held).route("/quick", get(async move || name));
        Self { address: upstream(routes).await, slow, go_on }
    }
}

#[tokio::test]
async fn of_two_instances_the_less_loaded_is_asked() {
    let (a, b) = (Counter::start("a").await, Counter::start("b").await);
    let edge = Setup::new()
        .test_route(&[Method::Get], Duration::from_secs(30))
        .service("test", &[a.address, b.address])
        .start()
        .await;
    let client = reqwest::Client::new();
    let first = tokio::spawn(client.get(edge.url("/api/test/slow")).send());
    let held = || a.slow.load(Ordering::SeqCst) + b.slow.load(Ordering::SeqCst);
    until("one request is held", || held() == 1).await;
    let (busy, idle) = if a.slow.load(Ordering::SeqCst) == 1 { (&a, "b") } else { (&b, "a") };
    for _ in 0..30 {
        let answer = within(client.get(edge.url("/api/test/quick")).send()).await.unwrap();
        assert_eq!(answer.text().await.unwrap(), idle);
    }
    busy.go_on.add_permits(100);
    assert_eq!(within(first).await.unwrap().unwrap().status(), 200);
    // equals again: both are asked
    let mut asked = std::collections::HashSet::new();
    until_asked(&client, &edge.url("/api/test/quick"), &mut asked).await;
    assert_eq!(asked.len(), 2);
}

async fn until_asked(client: &reqwest::Client, url: &str, asked: &mut std::collections::HashSet<String>) {
    let all = async {
        while asked.len() < 2 {
            asked.insert(client.get(url).send().await.expect("answers").text().await.expect("answers"));
        }
    };
    within(all).await;
}

/// A stream is work for its instance as long as it lasts, not only until its head has come.
#[tokio::test]
async fn a_stream_counts_as_load_until_its_end() {
    let streams = async |name: &'static str| {
        let endless = get(async move || {
            let first = futures::stream::iter([Ok::<_, std::io::Error>(Bytes::from(name))]);
            Body::from_stream(first.chain(futures::stream::pending()))
        });
        upstream(Router::new().route("/stream", endless).route("/quick", get(async move || name))).await
    };
    let edge = Setup::new()
        .test_route(&[Method::Get], Duration::from_secs(30))
        .service("test", &[streams("a").await, streams("b").await])
        .start()
        .await;
    let client = reqwest::Client::new();
    let mut stream = within(client.get(edge.url("/api/test/stream")).send()).await.unwrap();
    let busy = within(stream.chunk()).await.unwrap().expect("the first chunk");
    for _ in 0..30 {
        let answer = within(client.get(edge.url("/api/test/quick")).send()).await.unwrap();
        assert_ne!(answer.bytes().await.unwrap(), busy);
    }
    drop(stream);
    let mut asked = std::collections::HashSet::new();
    until_asked(&client, &edge.url("/api/test/quick"), &mut asked).await;
    assert_eq!(asked.len(), 2);
}

#[tokio::test]
async fn many_requests_at_once_are_shared_out() {
    let (a, b) = (Counter::start("a").await, Counter::start("b").await);
    let edge = Setup::new()
        .test_route(&[Method::Get], Duration::from_secs(30))
        .service("test", &[a.address, b.address])
        .start()
        .await;
    let client = reqwest::Client::new();
    let held: Vec<_> = (0..40).map(|_| tokio::spawn(client.get(edge.url("/api/test/slow")).send())).collect();
    let count = || (a.slow.load(Ordering::SeqCst), b.slow.load(Ordering::SeqCst));
    until("all are held", || count().0 + count().1 == 40).await;
    // with two instances both are compared each time, so that neither is ever two ahead
    assert_eq!(count(), (20, 20));
    a.go_on.add_permits(100);
    b.go_on.add_permits(100);
    for request in held {
        assert_eq!(within(request).await.unwrap().unwrap().status(), 200);
    }
    let metrics = reqwest::get(edge.url("/metrics")).await.unwrap().text().await.unwrap();
    let line = metrics
        .lines()
        .find(|line| line.starts_with("gateway_upstream_requests") && line.contains("\"test\""));
    assert!(line.is_some_and(|line| line.contains("http_response_status_code=\"200\"")), "{metrics}");
    assert!(metrics.contains("gateway_upstream_active_requests"), "{metrics}");
}
