//! The registry as its host sees it: open, mount, run.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::error::OpenError;
use crate::store::Store;
use crate::work::{Housekeeping, Prober};
use crate::{Config, api};

/// An open registry. Clones share it.
#[derive(Debug, Clone)]
pub struct Registry {
    pub(crate) config: Arc<Config>,
    pub(crate) store: Arc<Store>,
    pub(crate) node_id: Arc<str>,
    prober: Prober,
}

impl Registry {
    /// Opens the registry in its data folder, where an earlier one left it.
    pub fn open(config: Config) -> Result<Self, OpenError> {
        let store = Store::open(&config)?;
        let node_id = store.node_id().into();
        let prober = Prober::new()?;
        Ok(Self { config: Arc::new(config), store: Arc::new(store), node_id, prober })
    }

    /// Consul's HTTP API.
    pub fn router(&self) -> axum::Router {
        api::router(self.clone())
    }

    /// The work that the registry does by itself: TTLs, HTTP checks, sessions, the journal. Runs until
    /// `shutdown`, then lets every blocking query return, so that its host can drain.
    pub async fn run(&self, shutdown: CancellationToken) {
        Housekeeping { store: self.store.clone(), prober: self.prober.clone() }.run(shutdown).await;
    }

    /// Mounts and runs the registry on a listener of the caller's until `shutdown`.
    pub async fn serve(
        &self,
        listener: tokio::net::TcpListener,
        shutdown: CancellationToken,
    ) -> std::io::Result<()> {
        let server = axum::serve(listener, self.router());
        let server = server.with_graceful_shutdown(shutdown.clone().cancelled_owned());
        let (served, ()) = tokio::join!(server.into_future(), self.run(shutdown));
        served
    }
}

/// A token that is cancelled when the process is asked to stop (SIGTERM or Ctrl-C).
pub fn signalled() -> std::io::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let token = CancellationToken::new();
    let fired = token.clone();
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        fired.cancel();
    });
    Ok(token)
}
