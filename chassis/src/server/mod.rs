//! REST and gRPC on one port, with the middleware that every server of ours wears.
//!
//! - [`stack`]: the middleware, in one place, with the reason for its order
//! - [`health`]: `/livez`, `/readyz`, gRPC health
//! - [`connections`]: accepts, serves, drains

mod connections;
pub mod health;
mod stack;

use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use health::Readiness;

/// The limits of a server.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The largest body that is read, in bytes.
    pub body_bytes: usize,
    /// The largest head (request line and headers) that is read, in bytes.
    pub head_bytes: usize,
    /// How long a client may take to send the head of a request.
    pub head_patience: Duration,
    /// How many connections are open at once; more wait to be accepted.
    pub connections: usize,
    /// How long requests under way may take once draining has begun.
    pub drain_patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1024 * 1024,
            head_bytes: 64 * 1024,
            head_patience: Duration::from_secs(10),
            connections: 4096,
            drain_patience: Duration::from_secs(10),
        }
    }
}

/// A server that is assembled and not yet listening.
pub struct Server {
    router: Router,
    limits: Limits,
}

impl Server {
    /// Routes with the standard middleware, `/livez`, `/readyz` and `/metrics` around them.
    pub fn new(routes: Router, readiness: &Readiness, limits: Limits) -> Self {
        Self { router: stack::around(routes.merge(health::routes(readiness.clone())), &limits), limits }
    }

    /// Serves on `listener` until `shutdown`, then finishes what is under way. The caller owns both.
    pub async fn serve(self, listener: TcpListener, shutdown: CancellationToken) {
        connections::serve(listener, self.router, &self.limits, shutdown).await;
    }
}
