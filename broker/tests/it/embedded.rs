//! The embedded broker, on a folder and a thread of its own.

use std::net::TcpListener;
use std::path::PathBuf;
use std::thread::JoinHandle;

use broker::{Broker, Config};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// A running broker. It ends when this is dropped, without waiting for clients to take leave: the test's own
/// are on the thread that drops this.
pub struct Embedded {
    pub broker: Broker,
    pub url: String,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Embedded {
    /// One on this folder, with what is changed about its configuration.
    pub fn on(folder: PathBuf, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new(folder);
        change(&mut config);
        let broker = Broker::open(config).expect("it opens");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let url = format!("amqp://guest:guest@{}", listener.local_addr().expect("its address"));
        let (stop, served) = (CancellationToken::new(), broker.clone());
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
                if let Err(error) = served.serve(listener, stopped).await {
                    eprintln!("the broker ended: {error:#}");
                }
            });
        });
        Self { broker, url, stop, thread: Some(thread) }
    }

    /// Ends it in good order.
    pub async fn stop(mut self) {
        self.stop.cancel();
        let thread = self.thread.take().expect("it runs");
        tokio::task::spawn_blocking(move || thread.join())
            .await
            .expect("a thread")
            .expect("it does not panic");
    }

    /// Ends it as a crash would.
    pub async fn kill(mut self) {
        self.broker.kill().await;
        self.join();
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().expect("it does not panic");
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        if self.thread.is_some() {
            let broker = self.broker.clone();
            let killing = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
                runtime.block_on(broker.kill());
            });
            killing.join().expect("it does not panic");
            self.join();
        }
    }
}

/// A folder that goes with this value.
pub fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}
