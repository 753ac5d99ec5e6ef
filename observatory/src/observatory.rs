//! The observatory as its host sees it: made, then run on listeners of the host's.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use crate::counts::Counts;
use crate::intake::{Intake, Outlet, intake};
use crate::keep::Keep;
use crate::limits::Limits;
use crate::otlp::{self, Receiver};
use crate::pages::{self, Hosts};

/// Requests of OTLP that are read at once, each of [`Limits::request_bytes`] at most; others wait.
const READ_AT_ONCE: usize = 16;
/// How long a sender may take to send a request, and to wait for its turn.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long requests under way may take once the end has begun.
const LEAVE: Duration = Duration::from_secs(5);

/// Where the observatory is spoken to.
#[derive(Debug)]
pub struct Listeners {
    /// OTLP by gRPC: 4317.
    pub grpc: TcpListener,
    /// OTLP by HTTP: 4318.
    pub http: TcpListener,
    /// The pages and the queries: 16686.
    pub pages: TcpListener,
}

/// An observatory that does not run yet.
pub struct Observatory {
    limits: Limits,
    keep: Arc<dyn Keep>,
    counts: Arc<Counts>,
    intake: Intake,
    outlet: Outlet,
    queries: Router,
    hosts: Hosts,
}

impl Observatory {
    /// One that takes in within limits, and hands on what it took to `keep`.
    pub fn new(limits: Limits, keep: Arc<dyn Keep>) -> Self {
        let (intake, outlet) = intake(limits.intake_bytes);
        let (counts, queries, hosts) = (Arc::default(), Router::new(), Hosts::default());
        Self { limits, keep, counts, intake, outlet, queries, hosts }
    }

    /// Answers these, too, where the pages are.
    #[must_use]
    pub fn with_queries(mut self, queries: Router) -> Self {
        self.queries = self.queries.merge(queries);
        self
    }

    /// Lets its pages be asked for by these names, besides this machine's.
    #[must_use]
    pub fn with_hosts(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.hosts = Hosts::new(names);
        self
    }

    /// How much came, and how much of it was refused.
    pub fn counts(&self) -> Arc<Counts> {
        self.counts.clone()
    }

    /// How many bytes wait to be kept, at any time.
    pub fn waiting(&self) -> impl Fn() -> usize + Clone + Send + Sync + 'static {
        let intake = self.intake.clone();
        move || intake.waiting()
    }

    /// Runs until `shutdown`; then requests under way are answered, and what was taken in is kept.
    pub async fn serve(self, listeners: Listeners, shutdown: CancellationToken) -> std::io::Result<()> {
        let receiver = Receiver::new(self.limits, self.intake, self.counts);
        // outermost first: who waits for a turn is not patient for ever
        let bounds = tower::ServiceBuilder::new()
            .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, PATIENCE))
            .layer(GlobalConcurrencyLimitLayer::new(READ_AT_ONCE));
        let grpc = otlp::grpc::routes(receiver.clone()).layer(bounds.clone());
        let http = otlp::http::routes(receiver).layer(bounds);
        let pages = pages::routes(self.queries, self.hosts);

        let (outlet, keep, received) = (self.outlet, self.keep, CancellationToken::new());
        let all_received = received.clone();
        // a task of its own: nobody who asks waits for what is being kept
        let mut keeping = tokio::spawn(async move { outlet.hand_on(&*keep, all_received).await });
        let servers = async {
            tokio::try_join!(
                serve(listeners.grpc, grpc, &shutdown),
                serve(listeners.http, http, &shutdown),
                serve(listeners.pages, pages, &shutdown),
            )
        };
        let outcome = tokio::select! {
            served = servers => served.map(|_| ()),
            () = left_alone(&shutdown) => Ok(()),
            // nothing but a panic ends it before all is received
            panicked = &mut keeping => return panicked.map_err(std::io::Error::other),
        };
        received.cancel();
        keeping.await.map_err(std::io::Error::other)?;
        outcome
    }
}

async fn serve(listener: TcpListener, router: Router, shutdown: &CancellationToken) -> std::io::Result<()> {
    axum::serve(listener, router).with_graceful_shutdown(shutdown.clone().cancelled_owned()).await
}

/// Returns when the end has begun and nobody may take any longer.
async fn left_alone(shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    tokio::time::sleep(LEAVE).await;
}
