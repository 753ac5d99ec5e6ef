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
    /// How long connections that rest stay open once draining has begun; none by default. A client that begins a
    /// request just as its connection is closed cannot know whether it was heard.
    pub farewell: Duration,
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
            farewell: Duration::ZERO,
            drain_patience: Duration::from_secs(10),
        }
    }
}

/// A server that is assembled and not yet listening.
pub struct Server {
    router: Router,
    limits: Limits,
}

/// Routes that are called within this process, with the middleware that they would wear behind a listener.
pub fn in_process(routes: Router) -> Router {
    stack::around(routes, &Limits::default(), None)
}

impl Server {
    /// Routes with the standard middleware, `/livez`, `/readyz` and `/metrics` around them.
    pub fn new(routes: Router, readiness: &Readiness, limits: Limits) -> Self {
        Self { router: stack::around(routes.merge(health::routes(readiness.clone())), &limits, None), limits }
    }

    /// The same for routes that are one service in traces, whatever is asked of them.
    pub fn of(service: &'static str, routes: Router, readiness: &Readiness, limits: Limits) -> Self {
        let routes = routes.merge(health::routes(readiness.clone()));
        Self { router: stack::around(routes, &limits, Some(service)), limits }
    }

    /// Routes of `service` for the outside world, with the standard middleware. Of the process behind it a load balancer learns
    /// whether it is there (`/livez`) and wants work (`/readyz`), and nobody anything else. From `draining` on
    /// each answer asks its client to come back on another connection.
    pub fn door(
        service: &'static str,
        routes: Router,
        readiness: &Readiness,
        draining: &CancellationToken,
        limits: Limits,
    ) -> Self {
        let routes = routes.merge(health::at_the_door(readiness.clone()));
        Self { router: stack::leaving(stack::around(routes, &limits, Some(service)), draining), limits }
    }

    /// Serves on `listener` until `shutdown`, then finishes what is under way. The caller owns both.
    pub async fn serve(self, listener: TcpListener, shutdown: CancellationToken) {
        connections::serve(listener, self.router, &self.limits, shutdown).await;
    }
}
