//! The broker itself: opened on a folder, served on a socket.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::connection;
use crate::core::Core;
use crate::core::ids::ConnectionId;
use crate::error::OpenError;
use crate::shared::Shared;
use crate::status::Status;
use crate::{housekeeping, metrics};

/// How long clients have to take leave.
const LEAVE: Duration = Duration::from_secs(5);
/// After a connection could not be accepted.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

const SHUTDOWN: &str = "broker shut down";
const BY_OPERATOR: &str = "closed by an operator";

/// An embedded message broker: a handle, cheap to clone. Its folder is free for another when the last handle
/// is gone.
#[derive(Clone)]
pub struct Broker(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    next: AtomicU64,
    // how to end each connection
    connections: Mutex<HashMap<ConnectionId, CancellationToken>>,
    tasks: TaskTracker,
}

impl Broker {
    /// Opens a broker on its folder, with all that was kept there. Blocks for as long as it takes to read
    /// what is there, about a second for a gigabyte.
    pub fn open(config: Config) -> Result<Self, OpenError> {
        let Config { data, users, limits } = config;
        let core = Core::open(&data, limits.clone())?;
        let scribe = core.store().scribe().clone();
        let shared = Shared {
            core: Mutex::new(core),
            limits,
            users,
            scribe,
            confirmed: AtomicU64::new(0),
            alarm: watch::Sender::new(None),
            farewell: Mutex::new(SHUTDOWN),
            killed: CancellationToken::new(),
        };
        Ok(Self(Arc::new(Inner {
            shared: Arc::new(shared),
            next: AtomicU64::new(1),
            connections: Mutex::default(),
            tasks: TaskTracker::new(),
        })))
    }

    /// Serves clients until `shutdown`; then they are told, and everything is on disk. An error says that the
    /// disk has failed: nothing that was confirmed is lost, and nothing more can be taken.
    pub async fn serve(&self, listener: TcpListener, shutdown: CancellationToken) -> anyhow::Result<()> {
        let keeping = housekeeping::keep(self.0.shared.clone());
        let outcome = tokio::select! {
            () = self.accept(listener) => Ok(()),
            () = shutdown.cancelled() => Ok(()),
            () = self.0.shared.killed.cancelled() => return Ok(()),
            failed = keeping => failed.context("the broker's disk"),
        };
        self.end_connections(SHUTDOWN);
        self.0.tasks.close();
        let _ = tokio::time::timeout(LEAVE, self.0.tasks.wait()).await;
        let scribe = self.0.shared.scribe.clone();
        tokio::task::spawn_blocking(move || scribe.finish()).await?;
        outcome
    }

    async fn accept(&self, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => self.welcome(stream, peer),
                Err(error) => {
                    tracing::warn!(%error, "a connection cannot be accepted: {error}");
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
            }
        }
    }

    fn welcome(&self, stream: TcpStream, peer: SocketAddr) {
        let mut connections = self.0.connections.lock();
        if connections.len() >= self.0.shared.limits.connections {
            // what is dropped is closed
            return tracing::warn!(%peer, "a connection is refused: there are {} already", connections.len());
        }
        let id = ConnectionId(self.0.next.fetch_add(1, Ordering::Relaxed));
        let ending = CancellationToken::new();
        connections.insert(id, ending.clone());
        let (inner, shared, killed) = (self.0.clone(), self.0.shared.clone(), self.0.shared.killed.clone());
        self.0.tasks.spawn(async move {
            tokio::select! {
                () = connection::serve(shared, id, stream, peer, ending) => {}
                () = killed.cancelled() => {}
            }
            inner.connections.lock().remove(&id);
        });
    }

    /// Ends all connections, as an operator would; how many. Clients may come back at once.
    pub fn close_connections(&self) -> usize {
        self.end_connections(BY_OPERATOR)
    }

    fn end_connections(&self, why: &'static str) -> usize {
        *self.0.shared.farewell.lock() = why;
        let connections = self.0.connections.lock();
        connections.values().for_each(CancellationToken::cancel);
        connections.len()
    }

    /// Ends as a crash would: what is not in a file is lost, and nobody is told. For tests.
    pub async fn kill(&self) {
        let scribe = self.0.shared.scribe.clone();
        // an error says that the runtime ends, and with it all of this
        let _ = tokio::task::spawn_blocking(move || scribe.abandon()).await;
        self.0.shared.killed.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    /// How it is doing.
    pub fn status(&self) -> Status {
        self.0.shared.status()
    }

    /// `GET /status`: [`Status`] as JSON.
    pub fn routes(&self) -> axum::Router {
        let broker = self.clone();
        let answer = move || std::future::ready(axum::Json(broker.status()));
        axum::Router::new().route("/status", axum::routing::get(answer))
    }

    /// Registers its gauges and counters with OpenTelemetry's global meter, once.
    pub fn observe(&self) {
        metrics::observe(&self.0.shared);
    }
}
