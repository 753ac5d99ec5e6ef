//! Accepts connections, serves HTTP/1.1 and HTTP/2 (without TLS, by prior knowledge) on each, drains.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::Limits;

pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: &Limits,
    shutdown: CancellationToken,
) {
    let builder = Arc::new(protocol(limits));
    let connections = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(limits.connections));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { break };
        let (stream, peer) = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // out of file descriptors, or a client gone before it was accepted: neither may
                    // end the server, and the first would spin without a pause
                    tracing::warn!(%error, "a connection could not be accepted: {error}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let served = connection(stream, peer, router.clone(), &builder, &connections);
        tokio::spawn(async move {
            served.await;
            drop(place);
        });
    }
    drop(listener);
    // tells every connection to finish: `Connection: close`, or GOAWAY
    if tokio::time::timeout(limits.drain_patience, connections.shutdown()).await.is_err() {
        tracing::warn!("requests were still under way after {:?} of draining", limits.drain_patience);
    }
}

fn protocol(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_patience)
        // hyper asks for 8 KiB at least
        .max_buf_size(limits.head_bytes.max(8192));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .max_concurrent_streams(1024)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20));
    builder
}

fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    builder: &Arc<auto::Builder<TokioExecutor>>,
    connections: &GracefulShutdown,
) -> impl Future<Output = ()> + Send + 'static {
    // small messages each way, answered one by one: waiting to fill a packet only delays them
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set: {error}");
    }
    let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request.map(Body::new))
    });
    let watched = connections.watcher();
    let builder = builder.clone();
    async move {
        let served = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
        if let Err(error) = watched.watch(served).await {
            tracing::debug!(%peer, "the connection from {peer} ended badly: {error}");
        }
    }
}
