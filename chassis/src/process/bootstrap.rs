//! What a process must know before it can ask anybody: from arguments and environment alone.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;

use crate::store::StoreUrl;

/// The arguments, as typed.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Where to listen; port 0 takes any free one, which the registry then tells to others
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", env = "TRADEWIND_LISTEN")]
    pub listen: SocketAddr,
    /// The address that others reach this process at, when it is not the one it listens on
    #[arg(long, value_name = "HOST:PORT", env = "TRADEWIND_ADVERTISE")]
    pub advertise: Option<String>,
    /// The folder for everything this process keeps
    #[arg(long, value_name = "FOLDER", default_value = ".tradewind", env = "TRADEWIND_DATA")]
    pub data: PathBuf,
    /// The databases: sqlite:FOLDER/{module}.db or postgres://…/tradewind_{module}; SQLite in the data folder when not given
    #[arg(long, value_name = "URL", env = "TRADEWIND_STORE")]
    pub store: Option<String>,
    /// The registry (Consul's HTTP API); without it this process is on its own
    #[arg(long, value_name = "URL", env = "TRADEWIND_REGISTRY")]
    pub registry: Option<String>,
    /// The registry's token, where it asks for one
    #[arg(long, value_name = "TOKEN", env = "TRADEWIND_REGISTRY_TOKEN", hide_env_values = true)]
    pub registry_token: Option<String>,
    /// The message broker (AMQP 0-9-1); without it nothing is said or heard by messages
    #[arg(long, value_name = "URL", env = "TRADEWIND_BROKER", hide_env_values = true)]
    pub broker: Option<String>,
    /// The config server; without it, defaults and environment are the configuration
    #[arg(long, value_name = "URL", env = "TRADEWIND_CONFIG_SERVER")]
    pub config_server: Option<String>,
    /// The configuration profile
    #[arg(long, value_name = "NAME", default_value = "default", env = "TRADEWIND_PROFILE")]
    pub profile: String,
    /// Tells replicas of one module apart
    #[arg(long, value_name = "NAME", default_value = "1", env = "TRADEWIND_INSTANCE")]
    pub instance: String,
    /// The file with the operator token that changes at the control endpoints need
    #[arg(long, value_name = "FILE", env = "TRADEWIND_OPERATOR_TOKEN_FILE")]
    pub operator_token_file: Option<PathBuf>,
    /// How long to go on serving after deregistration, so that callers see it, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 200, env = "TRADEWIND_LINGER_MS")]
    pub linger_ms: u64,
}

/// The arguments, as resolved.
#[derive(Debug, Clone)]
pub struct Bootstrap {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The address to register, when it is not the one listened on.
    pub advertise: Option<String>,
    /// The folder for everything this process keeps.
    pub data: PathBuf,
    /// Where the databases are.
    pub store: StoreUrl,
    /// The registry's address.
    pub registry: Option<String>,
    /// The registry's token.
    pub registry_token: Option<String>,
    /// The broker's address.
    pub broker: Option<String>,
    /// The config server's address.
    pub config_server: Option<String>,
    /// The configuration profile.
    pub profile: String,
    /// Tells replicas of one module apart.
    pub instance: String,
    /// The token that changes at the control endpoints need; without one they are refused.
    pub operator_token: Option<String>,
    /// How long to go on serving after deregistration.
    pub linger: Duration,
}

impl Args {
    /// Checks what was typed, and reads the files that it names.
    pub fn resolve(self) -> anyhow::Result<Bootstrap> {
        let store = match &self.store {
            Some(url) => StoreUrl::parse(url)?,
            None => StoreUrl::sqlite_in(&self.data.join("db")),
        };
        let operator_token = match &self.operator_token_file {
            Some(file) => {
                let text = std::fs::read_to_string(file)
                    .with_context(|| format!("the operator token cannot be read from {}", file.display()))?;
                Some(text.trim().to_owned()).filter(|token| !token.is_empty())
            }
            None => None,
        };
        Ok(Bootstrap {
            listen: self.listen,
            advertise: self.advertise,
            data: self.data,
            store,
            registry: self.registry,
            registry_token: self.registry_token,
            broker: self.broker,
            config_server: self.config_server,
            profile: self.profile,
            instance: self.instance,
            operator_token,
            linger: Duration::from_millis(self.linger_ms),
        })
    }
}

impl Bootstrap {
    /// For tests and single processes: everything in `data`, on its own, on a free port.
    pub fn alone(data: PathBuf) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            advertise: None,
            store: StoreUrl::sqlite_in(&data.join("db")),
            data,
            registry: None,
            registry_token: None,
            broker: None,
            config_server: None,
            profile: "default".into(),
            instance: "1".into(),
            operator_token: None,
            linger: Duration::ZERO,
        }
    }

    /// The name of this process' instance of `module`, in registry and logs.
    pub fn instance_of(&self, module: &str) -> String {
        format!("{module}-{}", self.instance)
    }

    pub(super) fn advertised(&self, listening: SocketAddr) -> String {
        self.advertise.clone().unwrap_or_else(|| listening.to_string())
    }
}
