//! One instance of a service, over HTTP.

use std::sync::Arc;

use axum::body::Body;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, StatusCode, Uri, Version};
use hyper_util::client::legacy::connect::capture_connection;

use super::clients::Clients;
use super::{HeadDeadline, Sent, UpstreamError};
use crate::routes::Protocol;

/// An instance at its address, by the protocol that is spoken with it.
#[derive(Clone)]
pub struct Instance {
    clients: Arc<Clients>,
    address: Authority,
    protocol: Protocol,
}

impl Instance {
    pub(super) fn new(clients: &Arc<Clients>, address: Authority, protocol: Protocol) -> Self {
        Self { clients: Arc::clone(clients), address, protocol }
    }

    /// Where it is.
    pub fn address(&self) -> &Authority {
        &self.address
    }

    /// Sends a request and waits for the head of the response. Dropping this future lets go of the
    /// request: the connection or stream that carries it is closed.
    pub(super) async fn send(self, mut request: Request<Body>) -> Result<Response<Body>, UpstreamError> {
        *request.uri_mut() = self.absolute(request.uri())?;
        *request.version_mut() = match self.protocol {
            Protocol::Http => Version::HTTP_11,
            Protocol::Grpc => Version::HTTP_2,
        };
        let deadline = request.extensions_mut().remove::<HeadDeadline>();
        let connection = capture_connection(&mut request);
        let answer = self.clients.speaking(self.protocol).request(request);
        let answer = match deadline {
            None => answer.await,
            Some(HeadDeadline(deadline)) => {
                let in_time = tokio::time::timeout_at(deadline.instant(), answer).await;
                in_time.map_err(|_| {
                    let connected = connection.connection_metadata().is_some();
                    UpstreamError::TimedOut(if connected { Sent::Perhaps } else { Sent::Nothing })
                })?
            }
        };
        let response = answer?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Err(UpstreamError::Garbled("it switched protocols without being asked".into()));
        }
        Ok(response.map(Body::new))
    }

    fn absolute(&self, uri: &Uri) -> Result<Uri, UpstreamError> {
        let path = uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        Uri::builder()
            .scheme(Scheme::HTTP)
            .authority(self.address.clone())
            .path_and_query(path)
            .build()
            .map_err(|error| UpstreamError::Unreachable(error.into()))
    }
}
