//! Accepts connections, as many as there are places, serves HTTP/1.1 and HTTP/2 (without TLS, by prior knowledge) on
//! each, and lets go of them at the end.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// What is put up with.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    /// Connections at once.
    pub(crate) places: usize,
    /// How long somebody may take to send the head of a request.
    pub(crate) patience: Duration,
    /// How long requests under way may take once the end has begun.
    pub(crate) leave: Duration,
}

/// How often it is looked whether somebody who says nothing is still there.
const ALIVE: Duration = Duration::from_secs(20);
/// Bytes of a head.
const HEAD: u32 = 32 * 1024;
/// Bytes that wait unread, of one request and of one connection. Connections times this is what senders can make the
/// process hold besides the requests that are being read.
const UNREAD: (u32, u32) = (256 * 1024, 512 * 1024);
/// Requests under way on one connection.
const AT_ONCE: u32 = 64;
/// How long to wait when a connection could not be accepted.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves until `shutdown`, then until the requests under way are answered, as long as they may take.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    Bounds { places, patience, leave }: Bounds,
    shutdown: CancellationToken,
) {
    let protocol = Arc::new(protocol(patience));
    let (open, places) = (GracefulShutdown::new(), Arc::new(Semaphore::new(places)));
    // while every place is taken the others wait to be accepted
    while let Some(Ok(place)) = shutdown.run_until_cancelled(places.clone().acquire_owned()).await {
        let Some(accepted) = shutdown.run_until_cancelled(listener.accept()).await else { break };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // too many open files, perhaps: that would come again at once
                tracing::warn!(%error, "a connection could not be accepted: {error}");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let served = connection(stream, router.clone(), &protocol, &open, patience);
        tokio::spawn(async move {
            served.await;
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(leave, open.shutdown()).await.is_err() {
        tracing::warn!("requests were still under way after {leave:?}; they are left alone");
    }
}

fn protocol(patience: Duration) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(patience).max_buf_size(HEAD as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(HEAD)
        .max_concurrent_streams(AT_ONCE)
        .initial_stream_window_size(UNREAD.0)
        .initial_connection_window_size(UNREAD.1)
        .keep_alive_interval(ALIVE)
        .keep_alive_timeout(ALIVE);
    builder
}

fn connection(
    stream: TcpStream,
    router: Router,
    protocol: &Arc<auto::Builder<TokioExecutor>>,
    open: &GracefulShutdown,
    patience: Duration,
) -> impl Future<Output = ()> + Send + 'static {
    // small answers, one by one: waiting to fill a packet only delays them
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set: {error}");
    }
    let spoke = Arc::new(Notify::new());
    let heard = spoke.clone();
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        heard.notify_one();
        router.clone().oneshot(request.map(Body::new))
    });
    let (watched, protocol) = (open.watcher(), protocol.clone());
    async move {
        let served = protocol.serve_connection(TokioIo::new(stream), service).into_owned();
        tokio::select! {
            served = watched.watch(served) => if let Err(error) = served {
                tracing::debug!(error, "a connection ended badly: {error}");
            },
            () = silence(&spoke, patience) => tracing::debug!("somebody connected and asked for nothing"),
        }
    }
}

/// Ends when no request came in time: what is kept of time by HTTP/1 begins only once somebody speaks it.
async fn silence(spoke: &Notify, patience: Duration) {
    if tokio::time::timeout(patience, spoke.notified()).await.is_ok() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// Longer than anything here takes, on a slow machine.
    const LONG: Duration = Duration::from_secs(60);
    /// Waited out by a test that passes.
    const SHORT: Duration = Duration::from_millis(50);

    fn bounds(patience: Duration) -> Bounds {
        Bounds { places: 1, patience, leave: LONG }
    }

    #[tokio::test]
    async fn whoever_finds_no_place_waits_until_somebody_leaves() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, shutdown) = (listener.local_addr().unwrap(), CancellationToken::new());
        let served = tokio::spawn(serve(listener, Router::new(), bounds(LONG), shutdown.clone()));
        let request = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
        let mut first = TcpStream::connect(address).await.unwrap();
        first.write_all(request).await.unwrap();
        first.read_exact(&mut [0; 12]).await.unwrap();
        let mut second = TcpStream::connect(address).await.unwrap();
        second.write_all(request).await.unwrap();
        drop(first);
        let mut answer = [0; 12];
        tokio::time::timeout(LONG, second.read_exact(&mut answer)).await.unwrap().unwrap();
        assert_eq!(&answer, b"HTTP/1.1 404");
        let _third = TcpStream::connect(address).await.unwrap();
        // a full house hears that it is to end
        shutdown.cancel();
        tokio::time::timeout(LONG, served).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn whoever_says_nothing_loses_the_place() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, Router::new(), bounds(SHORT), CancellationToken::new()));
        for opening in [&b""[..], b"PRI "] {
            let mut silent = TcpStream::connect(address).await.unwrap();
            silent.write_all(opening).await.unwrap();
            let ended = tokio::time::timeout(LONG, silent.read_to_end(&mut Vec::new())).await;
            // closed or reset: either way the place is free
            drop(ended.unwrap());
        }
    }
}
