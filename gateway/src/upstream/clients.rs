//! Connections to instances, pooled: one client for HTTP/1.1, one for HTTP/2.

use std::time::Duration;

use axum::body::Body;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::routes::Protocol;

/// How long a connection may take to be made, so that there is time left to try another instance.
const CONNECT_PATIENCE: Duration = Duration::from_secs(1);
/// How long a connection may wait for its next request. Servers close theirs after ten seconds; whoever
/// closes second may have sent a request into a closed connection.
const POOL_IDLE: Duration = Duration::from_secs(4);
/// After this silence a peer is asked whether it still lives.
const KEEPALIVE: Duration = Duration::from_secs(20);
/// What one HTTP/2 stream may have under way before its client has read it…
const STREAM_WINDOW: u32 = 64 * 1024;
/// … and all streams of a connection together: enough that as many clients as a server admits on one
/// connection can stop reading without stopping anybody else.
const CONNECTION_WINDOW: u32 = 1024 * STREAM_WINDOW;

type HttpClient = Client<HttpConnector, Body>;

/// The clients that all upstreams share.
#[derive(Debug, Clone)]
pub(crate) struct Clients {
    http1: HttpClient,
    http2: HttpClient,
}

impl Clients {
    pub fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_PATIENCE));
        connector.set_keepalive(Some(KEEPALIVE));
        // A request that found its pooled connection closed before a byte of it was written goes out on
        // a new one: hyper gives it back untouched, so nothing has happened yet.
        let mut builder = Client::builder(TokioExecutor::new());
        builder.timer(TokioTimer::new()).pool_timer(TokioTimer::new()).pool_idle_timeout(POOL_IDLE);
        let http1 = builder.build(connector.clone());
        let http2 = builder
            .http2_only(true)
            .http2_initial_stream_window_size(STREAM_WINDOW)
            .http2_initial_connection_window_size(CONNECTION_WINDOW)
            .http2_keep_alive_interval(KEEPALIVE)
            .http2_keep_alive_timeout(KEEPALIVE)
            .build(connector);
        Self { http1, http2 }
    }

    pub(super) fn speaking(&self, protocol: Protocol) -> &HttpClient {
        match protocol {
            Protocol::Http => &self.http1,
            Protocol::Grpc => &self.http2,
        }
    }
}
