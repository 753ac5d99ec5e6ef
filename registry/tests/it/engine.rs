//! The engines that the shared tests run against, each on ports of its own.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use chassis::discovery::Consul;
use registry::{Config, Limits, Registry};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::http::Http;

/// Long enough for a busy machine, short enough for a test that hangs.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A running registry, which ends with this value.
pub struct Engine {
    pub http: Http,
    _life: Life,
}

/// What ends the registry when it is dropped, also while a test panics.
enum Life {
    Embedded { _stop: DropGuard, _folder: Option<tempfile::TempDir> },
    Process { _killed: Killed },
}

/// A process that is killed when this value is dropped.
pub struct Killed(pub Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Engine {
    /// The embedded registry on a folder of its own.
    pub async fn embedded() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut engine = Self::embedded_on(config(folder.path()), listener);
        if let Life::Embedded { _folder, .. } = &mut engine._life {
            *_folder = Some(folder);
        }
        engine
    }

    /// The embedded registry as it is wanted.
    pub fn embedded_on(config: Config, listener: tokio::net::TcpListener) -> Self {
        let http = Http::new(&format!("http://{}", listener.local_addr().unwrap()));
        let registry = Registry::open(config).unwrap();
        let stop = CancellationToken::new();
        let shutdown = stop.clone();
        tokio::spawn(async move { registry.serve(listener, shutdown).await.unwrap() });
        Self { http, _life: Life::Embedded { _stop: stop.drop_guard(), _folder: None } }
    }

    /// A real Consul, if there is one on this machine.
    pub async fn consul() -> Option<Self> {
        let executable = consul_executable()?;
        let [http, server, serf] = free_ports();
        let child = Command::new(executable)
            .args(["agent", "-dev", "-bind=127.0.0.1", "-node=tradewind"])
            .args(["-dns-port=-1", "-grpc-port=-1", "-serf-wan-port=-1"])
            .args([format!("-http-port={http}"), format!("-server-port={server}")])
            .args([format!("-serf-lan-port={serf}"), "-hcl=session_ttl_min = \"1s\"".to_owned()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let life = Life::Process { _killed: Killed(child) };
        let engine = Self { http: Http::new(&format!("http://127.0.0.1:{http}")), _life: life };
        engine.ready().await;
        Some(engine)
    }

    /// Waits until the node itself is registered, which in Consul comes some time after the socket.
    async fn ready(&self) {
        eventually("the registry is ready", || async {
            let nodes = self.http.try_get("/v1/catalog/nodes").await?;
            (nodes.status == 200 && nodes.text.contains("tradewind")).then_some(())
        })
        .await;
    }

    /// The discovery client for this registry.
    pub fn client(&self) -> Consul {
        Consul::new(&self.http.base, None).unwrap()
    }
}

/// The embedded registry's settings in tests: as Consul's, with a shorter session TTL.
pub fn config(folder: &Path) -> Config {
    let limits = Limits { session_ttl_min: Duration::from_secs(1), ..Limits::default() };
    Config { limits, ..Config::new(folder) }
}

/// Asks until there is an answer, or fails when [`PATIENCE`] is over.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let asked = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    asked.await.unwrap_or_else(|_| panic!("never came true: {what}"))
}

fn consul_executable() -> Option<PathBuf> {
    if std::env::var("TRADEWIND_NO_ENGINES").as_deref() == Ok("1") {
        return None;
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("consul")).find(|file| file.is_file())
}

/// Ports that were free a moment ago, for a process that cannot be handed a socket.
pub fn free_ports<const N: usize>() -> [u16; N] {
    let listeners: [TcpListener; N] = std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}
