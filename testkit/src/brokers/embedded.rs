//! The embedded broker in the test's own process, on a thread and a runtime of its own: it goes on when the
//! runtime of a test stands still, and dies without it.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use broker::{Broker, Config};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::engine::lasting_ports;
use crate::rabbitmq::QueueInfo;

/// How long what a killed broker was about may take to notice its end.
const LAST_BREATH: Duration = Duration::from_secs(5);

/// An embedded broker. It ends when this is dropped, and its folder with it.
pub(super) struct Embedded {
    port: u16,
    life: Mutex<Option<Life>>,
    folder: TempDir,
}

/// From one start to the next end.
struct Life {
    broker: Broker,
    end: CancellationToken,
    thread: JoinHandle<()>,
}

impl Embedded {
    /// Starts one on a folder and a port of its own.
    pub async fn start() -> Arc<Self> {
        let [port] = lasting_ports();
        let folder = tempfile::tempdir().expect("a folder");
        let life = Mutex::new(Some(Life::begin(port, folder.path()).await));
        Arc::new(Self { port, life, folder })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}", self.port)
    }

    /// All its queues; none while it is dead.
    pub fn queues(&self) -> Vec<QueueInfo> {
        let status = self.life().as_ref().map(|life| life.broker.status());
        let queues = status.into_iter().flat_map(|status| status.queues);
        queues
            .map(|queue| QueueInfo {
                name: queue.name,
                kind: queue.kind,
                messages: Some(queue.ready + queue.unacknowledged),
                consumers: Some(queue.consumers as u64),
            })
            .collect()
    }

    pub fn close_connections(&self) -> usize {
        self.life().as_ref().map_or(0, |life| life.broker.close_connections())
    }

    /// Ends it as `kill -9` does; returns when it is gone.
    pub async fn kill(&self) {
        let Some(life) = self.take_life() else { return };
        tokio::task::spawn_blocking(|| life.end()).await.expect("the broker's end does not panic");
    }

    /// Starts it again on the same port and folder.
    pub async fn restart(&self) {
        self.kill().await;
        let life = Life::begin(self.port, self.folder.path()).await;
        *self.life() = Some(life);
    }

    fn take_life(&self) -> Option<Life> {
        self.life().take()
    }

    fn life(&self) -> std::sync::MutexGuard<'_, Option<Life>> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        if let Some(life) = self.take_life() {
            life.end();
        }
    }
}

impl Life {
    /// Returns when the broker takes connections.
    async fn begin(port: u16, folder: &Path) -> Self {
        let end = CancellationToken::new();
        let (opened, begun) = oneshot::channel();
        let (folder, ended) = (folder.to_owned(), end.clone());
        let thread = std::thread::spawn(move || live(port, folder, opened, ended));
        let broker = begun.await.expect("the embedded broker starts: its thread says why it does not");
        Self { broker, end, thread }
    }

    /// Blocks until nothing of it is left.
    fn end(self) {
        let Self { broker, end, thread } = self;
        // the thread has the last handle, by which the broker holds its folder
        drop(broker);
        end.cancel();
        // a broker that panicked has said so
        let _ = thread.join();
    }
}

fn live(port: u16, folder: PathBuf, opened: oneshot::Sender<Broker>, ended: CancellationToken) {
    let runtime = runtime();
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("the port is free");
        listener.set_nonblocking(true).expect("a socket of ours");
        let listener = tokio::net::TcpListener::from_std(listener).expect("a socket of ours");
        let broker = Broker::open(Config::new(folder)).expect("the folder is the broker's own");
        // whoever asked may have given up
        let _ = opened.send(broker.clone());
        tokio::select! {
            // nobody tells it to stop in good order: it is killed
            served = broker.serve(listener, CancellationToken::new()) => served.expect("the broker serves"),
            () = ended.cancelled() => broker.kill().await,
        }
    });
    runtime.shutdown_timeout(LAST_BREATH);
}

/// As large as that of the broker's own process.
fn runtime() -> Runtime {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime")
}
