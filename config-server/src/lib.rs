//! The config server: one place for the configuration of every service.
//!
//! It serves files and runtime changes over Spring Cloud Config's read API, and over a typed API that
//! says where each value comes from, pushes changes (SSE), checks them against the schemas that the
//! services publish, and keeps their history.
//!
//! - [`files`]: the folder of files, and the last known good content of a broken one
//! - [`store`]: runtime changes, history and schemas in a database
//! - `core`, `sources`: what is served: layers, from the least to the most specific
//! - `instances`: who lives and runs which version
//! - `schemas`, `change`: which changes are allowed, and making them
//! - `poll`: what changes from outside: files, and other replicas
//! - `http`: both APIs
//! - [`standalone`]: the server as a program of its own
//!
//! Not for: bootstrap settings, and secrets, of which it only ever sees references.

mod change;
mod core;
pub mod files;
mod http;
mod instances;
mod poll;
mod schemas;
mod sources;
pub mod standalone;
pub mod store;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use chassis::config::protocol::ServerStatus;
use chassis::control::Guard;
use chassis::store::{StoreError, StoreUrl};
use tokio_util::sync::CancellationToken;

use crate::core::Core;

/// What the server needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder with `application.toml`, `<application>.toml`, `<application>-<profile>.toml`.
    pub files: PathBuf,
    /// Where last known good files lie, and the database where no other is named.
    pub data_dir: PathBuf,
    /// Whoever shows it may make changes; without one nobody may.
    pub token: Option<String>,
    /// Where runtime changes are kept; a SQLite file in the data folder where none is named.
    pub database: Option<StoreUrl>,
    /// The names under which other machines reach this server; loopback is always let in.
    pub hosts: Vec<String>,
    /// The one label (of a repository, say) that the Spring API knows this configuration under.
    pub label: String,
    /// How often files and other replicas are looked at.
    pub poll: Duration,
    /// How long to wait for the database's server where it is not there yet.
    pub patience: Duration,
}

impl Config {
    /// The usual settings.
    pub fn new(files: impl Into<PathBuf>, data_dir: impl Into<PathBuf>) -> Self {
        Self {
            files: files.into(),
            data_dir: data_dir.into(),
            token: None,
            database: None,
            hosts: Vec::new(),
            label: "main".into(),
            poll: Duration::from_secs(1),
            patience: chassis::PATIENCE,
        }
    }
}

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A folder cannot be used.
    #[error("the configuration files in {} cannot be read, or the data folder {} not written", files.display(), data_dir.display())]
    Folder {
        /// With the files.
        files: PathBuf,
        /// For the data.
        data_dir: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The database cannot be used.
    #[error("the database of runtime changes cannot be used")]
    Store(#[from] StoreError),
}

/// The config server. Cheap to clone.
#[derive(Clone)]
pub struct ConfigServer {
    core: Arc<Core>,
    guard: Guard,
    poll: Duration,
}

impl ConfigServer {
    /// Reads the files and opens the database.
    pub async fn open(config: Config) -> Result<Self, OpenError> {
        let guard = Guard::new(config.token.clone()).with_hosts(config.hosts.iter().cloned());
        let poll = config.poll;
        Ok(Self { core: Arc::new(Core::open(config).await?), guard, poll })
    }

    /// Both APIs, guarded. The caller owns the listener.
    pub fn router(&self) -> Router {
        http::router(&self.core, &self.guard)
    }

    /// What `GET /api/status` says.
    pub fn status(&self) -> ServerStatus {
        self.core.status()
    }

    /// Looks after files and replicas until `shutdown`, then ends every watch and closes the database:
    /// so a graceful end of the HTTP server need not wait for watchers.
    pub async fn run(&self, shutdown: CancellationToken) {
        poll::run(&self.core, self.poll, shutdown).await;
        self.core.close().await;
    }
}
