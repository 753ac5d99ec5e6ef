//! Where a service's configuration comes from: its bootstrap settings.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::environment::{Environment, ProcessEnvironment};
use super::protocol::DEFAULT_PROFILE;
use crate::{PATIENCE, address};

/// Whether a config server could be at this address; why not, without a password.
pub(crate) fn check_address(server: &str) -> Result<(), String> {
    if reqwest::Url::parse(server).is_ok_and(|url| url.scheme() == "http" && url.has_host()) {
        return Ok(());
    }
    let shown = address::shown(server);
    Err(format!("the config server's address {shown} cannot be used: it should read http://HOST:PORT"))
}

/// Where configuration comes from, and who asks for it.
#[derive(Clone)]
pub struct Source {
    /// The config server, `http://127.0.0.1:8888`.
    pub server: String,
    /// The profiles, separated by commas; the last one weighs most.
    pub profile: String,
    /// The name of this instance, unlike that of every other instance.
    pub instance: String,
    /// The last known good copy lies in `config/` beneath it.
    pub data_dir: PathBuf,
    /// How long a first start waits for the server when there is no last known good copy.
    pub patience: Duration,
    /// How long a start waits for the server before it takes the last known good copy.
    pub head_start: Duration,
    /// The process's environment.
    pub environment: Arc<dyn Environment>,
    /// Ends the waiting, and the following of changes.
    pub shutdown: CancellationToken,
}

impl Source {
    /// The usual source: the default profile, this process's environment, and as much patience as for anything else.
    pub fn new(server: impl Into<String>, instance: impl Into<String>, data_dir: impl Into<PathBuf>) -> Self {
        Self {
            server: server.into(),
            profile: DEFAULT_PROFILE.into(),
            instance: instance.into(),
            data_dir: data_dir.into(),
            patience: PATIENCE,
            head_start: Duration::from_secs(2),
            environment: Arc::new(ProcessEnvironment),
            shutdown: CancellationToken::new(),
        }
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source")
            .field("server", &address::shown(&self.server))
            .field("profile", &self.profile)
            .field("instance", &self.instance)
            .field("data_dir", &self.data_dir)
            .finish_non_exhaustive()
    }
}
