//! The observatory as its host sees it: made, then run on listeners of the host's.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use crate::clock::{Clock, SystemClock};
use crate::connections::{self, Bounds};
use crate::counts::Counts;
use crate::intake::{Intake, Outlet, intake};
use crate::keep::Keep;
use crate::limits::Limits;
use crate::otlp::{self, Receiver};
use crate::pages::{self, Hosts};
use crate::store::{self, Store};

/// Requests of OTLP that are read at once, each of [`Limits::request_bytes`] at most; others wait.
const READ_AT_ONCE: usize = 8;
/// How long anybody may take to begin a request, and a sender to send one and to wait for its turn.
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
    clock: Arc<dyn Clock>,
    keep: Arc<dyn Keep>,
    counts: Arc<Counts>,
    intake: Intake,
    outlet: Outlet,
    queries: Router,
    hosts: Hosts,
}

/// A whole observatory: it keeps what it takes in within `limits`, and answers for it. Its pages may be asked for by
/// the names `hosts`, besides `localhost` and addresses.
pub fn embedded(limits: Limits, clock: impl Clock, hosts: impl IntoIterator<Item = String>) -> Observatory {
    let store = Arc::new(Store::new(limits.clone(), clock));
    let (intake, outlet) = intake(limits.intake_bytes);
    store.fed_by(intake.clone());
    Observatory {
        limits,
        clock: store.clock(),
        counts: store.counts().clone(),
        keep: store.clone(),
        intake,
        outlet,
        queries: store::routes(store),
        hosts: Hosts::new(hosts),
    }
}

impl Observatory {
    /// One that takes in within limits, hands on what it took to `keep`, and answers nothing.
    pub fn new(limits: Limits, keep: Arc<dyn Keep>) -> Self {
        let (intake, outlet) = intake(limits.intake_bytes);
        let (counts, queries, hosts) = (Arc::default(), Router::new(), Hosts::default());
        Self { limits, clock: Arc::new(SystemClock), keep, counts, intake, outlet, queries, hosts }
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

    /// Runs until `shutdown`; then requests under way are answered, and what was taken in is kept.
    pub async fn serve(self, listeners: Listeners, shutdown: CancellationToken) -> std::io::Result<()> {
        let receiver = Receiver::new(self.limits.clone(), self.clock, self.intake, self.counts);
        let bounded = |routes: Router| {
            // One layer after the other, and not both as one: then the time that somebody waits for a turn counts.
            routes
                .layer(GlobalConcurrencyLimitLayer::new(READ_AT_ONCE))
                .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, PATIENCE))
        };
        let grpc = bounded(otlp::grpc::routes(receiver.clone()));
        let http = bounded(otlp::http::routes(receiver));
        let pages = pages::routes(self.queries, self.hosts);

        let (outlet, keep, received) = (self.outlet, self.keep, CancellationToken::new());
        let all_received = received.clone();
        // a task of its own: nobody who asks waits for what is being kept
        let mut keeping = tokio::spawn(async move { outlet.hand_on(&*keep, all_received).await });
        let bounds = Bounds { places: self.limits.connections, patience: PATIENCE, leave: LEAVE };
        let serve = |listener, routes| connections::serve(listener, routes, bounds.clone(), shutdown.clone());
        tokio::select! {
            _ = async {
                tokio::join!(
                    serve(listeners.grpc, grpc),
                    serve(listeners.http, http),
                    serve(listeners.pages, pages),
                )
            } => {}
            // nothing but a panic ends it before all is received
            panicked = &mut keeping => return panicked.map_err(std::io::Error::other),
        }
        received.cancel();
        keeping.await.map_err(std::io::Error::other)
    }
}
