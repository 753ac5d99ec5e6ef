//! Where requests go: an upstream is a tower `Service` of HTTP requests, whether it is an instance over
//! the network or a router in this process. The gateway does not know which, so the same routes serve
//! a monolith and its microservices.
//!
//! - `clients`: connections to instances, pooled
//! - `instance`: one instance over HTTP
//! - `error`: why there is no response, and whether anything was sent
//! - `balance`: which instance of several
//! - `load`: how busy an instance is, and whether it can be connected to
//! - `chance`: the randomness in that, handed in
//! - `directory`: the upstreams of all services

mod balance;
mod chance;
mod clients;
mod directory;
mod error;
mod instance;
mod load;

use std::convert::Infallible;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use contracts::Deadline;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{Request, Response};
use tower::{Service, ServiceExt};

pub use chance::{Chance, SeededChance, ThreadChance};
pub(crate) use directory::{Chosen, Directory};
pub use error::{Sent, UpstreamError};
pub use instance::Instance;
pub(crate) use load::Ticket;

/// Something that answers requests for a service. A request has a path and no host; the deadline for
/// the head of the response is among its extensions ([`HeadDeadline`]).
#[derive(Clone)]
pub enum Upstream {
    /// A process of the service, over HTTP.
    Instance(Instance),
    /// The service in this process.
    Local(Router),
}

/// When the head of the response must be there, as an extension of a request.
#[derive(Debug, Clone, Copy)]
pub struct HeadDeadline(pub Deadline);

impl Service<Request<Body>> for Upstream {
    type Response = Response<Body>;
    type Error = UpstreamError;
    type Future = BoxFuture<'static, Result<Response<Body>, UpstreamError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), UpstreamError>> {
        // both kinds take a request at any time
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match self {
            Self::Instance(instance) => instance.clone().send(request).boxed(),
            Self::Local(router) => local(router.clone(), request).boxed(),
        }
    }
}

async fn local(router: Router, mut request: Request<Body>) -> Result<Response<Body>, UpstreamError> {
    let deadline = request.extensions_mut().remove::<HeadDeadline>();
    let answer =
        router.oneshot(request).map(|answer| answer.unwrap_or_else(|never: Infallible| match never {}));
    match deadline {
        None => Ok(answer.await),
        Some(HeadDeadline(deadline)) => tokio::time::timeout_at(deadline.instant(), answer)
            .await
            .map_err(|_| UpstreamError::TimedOut(Sent::Perhaps)),
    }
}
