//! A gateway and its upstreams, on ports of their own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use chassis::config::Live;
use chassis::discovery::StaticDirectory;
use chassis::server::{Limits, Readiness, Server};
use gateway::routes::{Method, Protocol, RouteConfig};
use gateway::upstream::SeededChance;
use gateway::{Builder, GatewayConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

/// The longest that anything here waits.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A gateway that runs until it is dropped.
pub struct Edge {
    pub address: SocketAddr,
    _running: DropGuard,
}

/// What a gateway is made of, in a test.
pub struct Setup {
    config: GatewayConfig,
    directory: StaticDirectory,
    local: Vec<(String, Router)>,
}

impl Setup {
    /// The public API, with nobody behind it.
    pub fn new() -> Self {
        Self { config: GatewayConfig::default(), directory: StaticDirectory::new(), local: Vec::new() }
    }

    pub fn service(mut self, name: &str, addresses: &[SocketAddr]) -> Self {
        let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        self.directory = self.directory.with(name, &texts.iter().map(String::as_str).collect::<Vec<_>>());
        self
    }

    pub fn local(mut self, name: &str, routes: Router) -> Self {
        self.local.push((name.to_owned(), routes));
        self
    }

    pub fn config(mut self, change: impl FnOnce(&mut GatewayConfig)) -> Self {
        change(&mut self.config);
        self
    }

    /// One more route: `/api/test/{*rest}` to `/{*rest}` at the service `test`.
    pub fn test_route(self, methods: &[Method], timeout: Duration) -> Self {
        let route = RouteConfig {
            path: "/api/test/{*rest}".into(),
            methods: methods.to_vec(),
            service: "test".into(),
            rewrite: "/{*rest}".into(),
            timeout_ms: u64::try_from(timeout.as_millis()).expect("a short time"),
            protocol: Protocol::Http,
            body_bytes: None,
        };
        self.config(|config| config.routes.push(route))
    }

    pub async fn start(self) -> Edge {
        let mut builder =
            Builder::new(Arc::new(self.directory), Live::fixed(self.config)).chance(SeededChance::new(42));
        for (name, routes) in self.local {
            builder = builder.local(&name, routes);
        }
        let (address, running) = serve(builder.router().expect("routes without fault")).await;
        Edge { address, _running: running }
    }
}

impl Edge {
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// Serves routes as every process of ours does, until the guard is dropped.
pub async fn serve(routes: Router) -> (SocketAddr, DropGuard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let shutdown = CancellationToken::new();
    let readiness = Readiness::default();
    readiness.ready();
    let limits = Limits { drain_patience: Duration::from_millis(10), ..Limits::default() };
    tokio::spawn(Server::new(routes, &readiness, limits).serve(listener, shutdown.clone()));
    (address, shutdown.drop_guard())
}

/// An upstream that answers with `routes`, without any middleware, for as long as the test runs.
pub async fn upstream(routes: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
}

/// An upstream that reads one request's head from each connection, writes these bytes and hangs up.
pub async fn upstream_saying(bytes: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                read_head(&mut stream).await;
                let _ = stream.write_all(bytes).await;
            });
        }
    });
    address
}

/// An address at which nobody listens.
pub async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.and_then(|listener| listener.local_addr()).expect("a free port")
}

/// Sends bytes as they are and reads until the other side hangs up.
pub async fn raw(address: SocketAddr, request: &str) -> String {
    within(async {
        let mut stream = TcpStream::connect(address).await.expect("listening");
        stream.write_all(request.as_bytes()).await.expect("taken");
        let mut response = Vec::new();
        // a reset after the response is a way to hang up, too
        let _ = stream.read_to_end(&mut response).await;
        String::from_utf8_lossy(&response).into_owned()
    })
    .await
}

pub async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// What `work` gives, or a failed test when it takes too long.
pub async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("in time")
}

/// Waits until `state` holds.
pub async fn until(what: &str, state: impl Fn() -> bool) {
    let reached = async {
        while !state() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, reached).await.unwrap_or_else(|_| panic!("not reached: {what}"));
}

/// A problem's code and detail.
pub async fn problem(response: reqwest::Response) -> (String, String) {
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let body: serde_json::Value = response.json().await.expect("JSON");
    assert!(body["trace_id"].is_string(), "{body}");
    let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
    (text("code"), text("detail"))
}
