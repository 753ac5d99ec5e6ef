//! An observatory that runs, and what it kept.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use observatory::counts::{Counts, Snapshot};
use observatory::metric::Point;
use observatory::span::Span;
use observatory::{Keep, Limits, Listeners, Observatory};
use parking_lot::{Condvar, Mutex};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Only ever waited out by a test that fails.
const LONG: Duration = Duration::from_secs(60);

pub struct Started {
    pub grpc: SocketAddr,
    pub http: SocketAddr,
    pub pages: SocketAddr,
    pub kept: Arc<Kept>,
    counts: Arc<Counts>,
    shutdown: CancellationToken,
    running: tokio::task::JoinHandle<std::io::Result<()>>,
}

/// What was kept.
#[derive(Default)]
pub struct Kept {
    things: watch::Sender<Things>,
    closed: Mutex<bool>,
    opened: Condvar,
}

#[derive(Default)]
pub struct Things {
    pub spans: Vec<Span>,
    pub points: Vec<Point>,
}

impl Kept {
    /// Keeps nothing more until it is opened.
    pub fn close(&self) {
        *self.closed.lock() = true;
    }

    pub fn open(&self) {
        *self.closed.lock() = false;
        self.opened.notify_all();
    }

    fn pass(&self) {
        tokio::task::block_in_place(|| {
            let mut closed = self.closed.lock();
            self.opened.wait_while(&mut closed, |closed| *closed);
        });
    }

    /// The spans, once there are so many.
    pub async fn spans(&self, count: usize) -> Vec<Span> {
        let mut things = self.things.subscribe();
        let enough = things.wait_for(|things| things.spans.len() >= count);
        tokio::time::timeout(LONG, enough).await.unwrap().unwrap().spans.clone()
    }

    /// The points, once there are so many.
    pub async fn points(&self, count: usize) -> Vec<Point> {
        let mut things = self.things.subscribe();
        let enough = things.wait_for(|things| things.points.len() >= count);
        tokio::time::timeout(LONG, enough).await.unwrap().unwrap().points.clone()
    }
}

impl Keep for Kept {
    fn spans(&self, spans: Vec<Span>) {
        self.pass();
        self.things.send_modify(|things| things.spans.extend(spans));
    }

    fn points(&self, points: Vec<Point>) {
        self.pass();
        self.things.send_modify(|things| things.points.extend(points));
    }
}

impl Started {
    pub async fn new() -> Self {
        Self::with(Limits::default(), |observatory| observatory).await
    }

    pub async fn with(limits: Limits, dress: impl FnOnce(Observatory) -> Observatory) -> Self {
        let kept = Arc::new(Kept::default());
        let bind = || TcpListener::bind("127.0.0.1:0");
        let (grpc, http, pages) = tokio::try_join!(bind(), bind(), bind()).unwrap();
        let address = |listener: &TcpListener| listener.local_addr().unwrap();
        let (grpc_address, http_address, pages_address) = (address(&grpc), address(&http), address(&pages));
        let observatory = dress(Observatory::new(limits, kept.clone()));
        let (counts, shutdown) = (observatory.counts(), CancellationToken::new());
        let running = tokio::spawn(observatory.serve(Listeners { grpc, http, pages }, shutdown.clone()));
        Self { grpc: grpc_address, http: http_address, pages: pages_address, kept, counts, shutdown, running }
    }

    pub fn counts(&self) -> Snapshot {
        self.counts.snapshot()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.http)
    }

    pub fn page(&self, path: &str) -> String {
        format!("http://{}{path}", self.pages)
    }

    /// Asks it to end, and waits until it has; what it kept is in [`Self::kept`].
    pub async fn end(self) -> Arc<Kept> {
        self.shutdown.cancel();
        tokio::time::timeout(LONG, self.running).await.unwrap().unwrap().unwrap();
        self.kept
    }
}

/// A client that knows no proxy.
pub fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(LONG).build().unwrap()
}
