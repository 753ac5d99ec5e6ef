//! What a process must know before it can ask anybody: from arguments and environment alone.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;

use super::Messages;
use crate::messaging::bus::GateState;
use crate::store::{AbortAt, Placement, StoreUrl, Stores};

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
    /// In which database a module's data is that this process opens for the first time
    #[arg(long, value_enum, value_name = "WHERE", default_value_t = Placement::Own, env = "TRADEWIND_PLACEMENT")]
    pub placement: Placement,
    /// Fault injection, for tests: the process aborts at this point, as `kill -9` would end it
    #[arg(long, hide = true, value_name = "POINT", env = "TRADEWIND_ABORT_AT")]
    pub abort_at: Option<String>,
    /// The registry (Consul's HTTP API); without it this process is on its own
    #[arg(long, value_name = "URL", env = "TRADEWIND_REGISTRY")]
    pub registry: Option<String>,
    /// The registry's token, where it asks for one
    #[arg(long, value_name = "TOKEN", env = "TRADEWIND_REGISTRY_TOKEN", hide_env_values = true)]
    pub registry_token: Option<String>,
    /// The message broker (AMQP 0-9-1), or `in-process` where this process is the whole shop; without it nothing is said or heard by messages
    #[arg(long, value_name = "URL|in-process", env = "TRADEWIND_BROKER", hide_env_values = true)]
    pub broker: Option<String>,
    /// Begins with messages held: they wait until this process is told to open (`/control/process/messages/open`)
    #[arg(long, env = "TRADEWIND_MESSAGES_HELD")]
    pub messages_held: bool,
    /// Where traces and metrics are sent: an OTLP collector, by gRPC, or by HTTP with protobuf where the port is 4318; without it they are not sent
    #[arg(long, value_name = "URL", env = "TRADEWIND_OTLP", hide_env_values = true)]
    pub otlp: Option<String>,
    /// The config server; without it, defaults and environment are the configuration
    #[arg(long, value_name = "URL", env = "TRADEWIND_CONFIG_SERVER")]
    pub config_server: Option<String>,
    /// The configuration profile
    #[arg(long, value_name = "NAME", default_value = "default", env = "TRADEWIND_PROFILE")]
    pub profile: String,
    /// What this process is called among those of the shop; by default after what it runs
    #[arg(long, value_name = "NAME", env = "TRADEWIND_PROCESS")]
    pub process: Option<String>,
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
    /// In which database a module's data is that was never opened before.
    pub placement: Placement,
    /// Where this process shall die, for tests.
    pub abort_at: AbortAt,
    /// The registry's address.
    pub registry: Option<String>,
    /// The registry's token.
    pub registry_token: Option<String>,
    /// What carries messages.
    pub messages: Messages,
    /// Whether messages flow from the start.
    pub gate: GateState,
    /// Where traces and metrics are sent.
    pub otlp: Option<String>,
    /// The config server's address.
    pub config_server: Option<String>,
    /// The configuration profile.
    pub profile: String,
    /// What this process is called among those of the shop.
    pub process: String,
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
            placement: self.placement,
            abort_at: AbortAt::named(self.abort_at),
            registry: self.registry,
            registry_token: self.registry_token,
            messages: Messages::parse(self.broker.as_deref()),
            gate: if self.messages_held { GateState::Held } else { GateState::Open },
            otlp: self.otlp,
            config_server: self.config_server,
            profile: self.profile,
            process: self.process.unwrap_or_else(what_it_runs),
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
            placement: Placement::Own,
            abort_at: AbortAt::default(),
            registry: None,
            registry_token: None,
            messages: Messages::None,
            gate: GateState::Open,
            otlp: None,
            config_server: None,
            profile: "default".into(),
            process: what_it_runs(),
            instance: "1".into(),
            operator_token: None,
            linger: Duration::ZERO,
        }
    }

    /// The name of this process' instance of `module`, in registry and logs.
    pub fn instance_of(&self, module: &str) -> String {
        format!("{module}-{}", self.instance)
    }

    pub(super) fn stores(&self) -> Stores {
        Stores::new(self.store.clone(), &self.data, self.placement, self.abort_at.clone())
    }

    pub(super) fn advertised(&self, listening: SocketAddr) -> String {
        self.advertise.clone().unwrap_or_else(|| listening.to_string())
    }
}

/// The module that was asked for on the command line, `shop` for several, or the program's name.
fn what_it_runs() -> String {
    let mut words = std::env::args();
    let program = words.next().unwrap_or_default();
    let named = words.skip_while(|word| word == "run").take_while(|word| !word.starts_with('-'));
    match named.collect::<Vec<_>>().as_slice() {
        [] => program.rsplit('/').next().unwrap_or_default().to_owned(),
        [one] => one.clone(),
        _ => "shop".to_owned(),
    }
}
