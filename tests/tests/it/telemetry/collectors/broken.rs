//! A collector that is away, one that never answers, and one that refuses everything: telemetry is lost and counted,
//! orders are not.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use contracts::orders::Coordination;
use system_tests::load::{Answer, Load, tally};
use system_tests::shop::{PATIENCE, Shop};
use testkit::{eventually, lasting_port};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::telemetry::{PROGRAM, metrics};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_away_is_nothing_to_those_who_order() {
    orders_go_on(&format!("http://127.0.0.1:{}", lasting_port())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_never_answers_is_nothing_to_those_who_order() {
    let mute = Collector::mute().await;
    orders_go_on(&mute.url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_refuses_everything_is_nothing_to_those_who_order() {
    let hostile = Collector::refusing().await;
    orders_go_on(&hostile.url).await;
}

async fn orders_go_on(url: &str) {
    let mut shop = Shop::start(PROGRAM, &["--otlp", url]).await;
    assert!(shop.status().await.processes.iter().all(|process| process.name != "observatory"));
    let load = Load::coordinated(&shop, &["tok_approve"], &Coordination::ALL);
    load.confirms(30).await;
    let told = load.stop().await;
    let fine = |answer: &Answer| matches!(answer, Answer::Confirmed(_) | Answer::Accepted(_));
    assert!(told.answers.iter().all(fine), "{:?}", tally(&told.answers));
    for module in ["gateway", "orders", "inventory"] {
        eventually(&format!("{module} to count what it has lost"), PATIENCE, async || {
            (metrics::dropped(&metrics::of(&shop, module).await) > 0.0).then_some(())
        })
        .await;
    }
    let known = told.orders();
    for id in &known {
        shop.rest(*id).await;
    }
    shop.audit_clean(&known).await;
    let (code, _, complaint) = shop.run(&["down"]).await;
    assert_eq!(code, 0, "{complaint}");
    assert!(shop.ended().await.success());
    // neither the supervisor nor a process lost its patience
    assert!(!shop.complaints().contains("did not drain"), "{}", shop.complaints());
}

/// A collector as nobody wants it. It ends when this value is dropped.
struct Collector {
    url: String,
    task: JoinHandle<()>,
}

impl Collector {
    async fn listen() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        (listener, url)
    }

    /// Lets everybody in, and says nothing.
    async fn mute() -> Self {
        let (listener, url) = Self::listen().await;
        let task = tokio::spawn(async move {
            let mut guests: Vec<TcpStream> = Vec::new();
            while let Ok((guest, _)) = listener.accept().await {
                guests.push(guest);
            }
        });
        Self { url, task }
    }

    /// Speaks gRPC, and lets nobody do anything.
    async fn refusing() -> Self {
        let (listener, url) = Self::listen().await;
        let permission_denied = [(CONTENT_TYPE.as_str(), "application/grpc"), ("grpc-status", "7")];
        let router = Router::new().fallback(async move || permission_denied);
        let task = tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        Self { url, task }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}
