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
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::Limits;

/// How often it is looked whether everybody has left.
const FAREWELL_LOOK: Duration = Duration::from_millis(20);

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
        // a full house must not keep the server from hearing that it is to end
        let place = tokio::select! {
            () = shutdown.cancelled() => break,
            place = places.clone().acquire_owned() => match place {
                Ok(place) => place,
                Err(_) => break,
            },
        };
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
        let served = connection(stream, peer, router.clone(), &builder, &connections, limits.head_patience);
        tokio::spawn(async move {
            served.await;
            drop(place);
        });
    }
    drop(listener);
    // whoever has just begun a request on a connection that rested until now is answered, and told to leave
    let rested = tokio::time::Instant::now() + limits.farewell;
    while connections.count() > 0 && tokio::time::Instant::now() < rested {
        tokio::time::sleep(FAREWELL_LOOK).await;
    }
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
    patience: Duration,
) -> impl Future<Output = ()> + Send + 'static {
    // small messages each way, answered one by one: waiting to fill a packet only delays them
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set: {error}");
    }
    let heard = Arc::new(Notify::new());
    let spoke = heard.clone();
    let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
        spoke.notify_one();
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request.map(Body::new))
    });
    let watched = connections.watcher();
    let builder = builder.clone();
    async move {
        let served = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
        let served = async {
            if let Err(error) = watched.watch(served).await {
                tracing::debug!(%peer, "the connection from {peer} ended badly: {error}");
            }
        };
        tokio::select! {
            () = served => {}
            () = silence(&heard, patience) => tracing::debug!(%peer, "{peer} connected and asked for nothing"),
        }
    }
}

/// Ends when no first request came in time. The time-outs of HTTP/1 begin only once a connection has
/// turned out to speak it: whoever says nothing at all would keep its place for ever.
async fn silence(heard: &Notify, patience: Duration) {
    if tokio::time::timeout(patience, heard.notified()).await.is_ok() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Longer than anything here takes, on a slow machine.
    const PATIENCE: Duration = Duration::from_secs(20);

    async fn serving(limits: Limits) -> (SocketAddr, CancellationToken, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (address, shutdown) = (listener.local_addr().expect("its address"), CancellationToken::new());
        let (routes, stop) = (Router::new(), shutdown.clone());
        let served = tokio::spawn(async move { serve(listener, routes, &limits, stop).await });
        (address, shutdown, served)
    }

    #[tokio::test]
    async fn whoever_connects_and_says_nothing_loses_the_place() {
        let limits =
            Limits { head_patience: Duration::from_millis(200), connections: 1, ..Limits::default() };
        let (address, shutdown, _) = serving(limits).await;
        for opening in [&b""[..], b"PRI "] {
            let mut silent = TcpStream::connect(address).await.expect("a connection");
            silent.write_all(opening).await.expect("sent");
            let mut nothing = Vec::new();
            let ended = tokio::time::timeout(PATIENCE, silent.read_to_end(&mut nothing)).await;
            // closed or reset: either way the place is free for the next one
            drop(ended.expect("it is closed in time"));
        }
        shutdown.cancel();
    }

    #[tokio::test]
    async fn a_full_house_hears_that_it_is_to_end() {
        let limits =
            Limits { connections: 1, drain_patience: Duration::from_millis(100), ..Limits::default() };
        let (address, shutdown, served) = serving(limits).await;
        let _guest = TcpStream::connect(address).await.expect("a connection");
        shutdown.cancel();
        tokio::time::timeout(PATIENCE, served).await.expect("it ends in time").expect("without a panic");
    }
}
