//! What a process must know before it can ask anybody: from arguments and environment alone.

use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Messages, own_address};
use crate::messaging::Broker;
use crate::messaging::bus::GateState;
use crate::store::{AbortAt, Placement, StoreUrl, Stores};
use crate::telemetry::otlp;
use crate::{PATIENCE, config, discovery};

/// The arguments, as typed. What is empty is not given: an environment may hold a variable that says nothing.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Where to listen; port 0 takes any free one, which the registry then tells to others
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", env = "TRADEWIND_LISTEN")]
    pub listen: SocketAddr,
    /// The address that others reach this process at. When not given, the one it listens on; where that is every
    /// address of this machine (0.0.0.0, [::]), the one from which it reaches the registry, else config server or broker
    #[arg(long, value_name = "HOST:PORT", env = "TRADEWIND_ADVERTISE")]
    pub advertise: Option<String>,
    /// Further names by which others ask for this process; under a strange one its control endpoints answer nobody
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', env = "TRADEWIND_HOSTS")]
    pub hosts: Vec<String>,
    /// The folder for everything this process keeps
    #[arg(long, value_name = "FOLDER", default_value = ".tradewind", env = "TRADEWIND_DATA")]
    pub data: PathBuf,
    /// The databases: sqlite:FOLDER/{module}.db or postgres://…/tradewind_{module}; SQLite in the data folder when not given
    #[arg(long, value_name = "URL", env = "TRADEWIND_STORE", hide_env_values = true)]
    pub store: Option<String>,
    /// In which database a module's data is that this process opens for the first time
    #[arg(long, value_enum, value_name = "WHERE", default_value_t = Placement::Own, env = "TRADEWIND_PLACEMENT")]
    pub placement: Placement,
    /// Fault injection, for tests: the process aborts at this point, as `kill -9` would end it
    #[arg(long, hide = true, value_name = "POINT", env = "TRADEWIND_ABORT_AT")]
    pub abort_at: Option<String>,
    /// The registry: http://HOST:PORT of Consul's HTTP API, or dns://{module}.DOMAIN:PORT where every address of a module's name is an instance of it; without it this process is on its own
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
    #[arg(long, value_name = "NAME", default_value = PROFILE, env = "TRADEWIND_PROFILE")]
    pub profile: String,
    /// What this process is called among those of the shop; by default after what it runs
    #[arg(long, value_name = "NAME", env = "TRADEWIND_PROCESS")]
    pub process: Option<String>,
    /// Tells replicas of one module apart; `hostname` takes the host's name
    #[arg(long, value_name = "NAME", default_value = INSTANCE, env = "TRADEWIND_INSTANCE")]
    pub instance: String,
    /// The file with the operator token that changes at the control endpoints need
    #[arg(long, value_name = "FILE", env = "TRADEWIND_OPERATOR_TOKEN_FILE")]
    pub operator_token_file: Option<OsString>,
    /// The operator token itself, where it does not stand in a file
    #[arg(long, value_name = "TOKEN", env = "TRADEWIND_OPERATOR_TOKEN", hide_env_values = true)]
    pub operator_token: Option<String>,
    /// How long to go on serving after deregistration, so that callers see it, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 200, env = "TRADEWIND_LINGER_MS")]
    pub linger_ms: u64,
    /// How long a start waits for what it needs and that is not there yet, in milliseconds
    #[arg(long, hide = true, value_name = "MS", default_value_t = PATIENCE_MS, env = "TRADEWIND_PATIENCE_MS")]
    pub patience_ms: u64,
}

const PATIENCE_MS: u64 = PATIENCE.as_secs() * 1000;
const PROFILE: &str = "default";
const INSTANCE: &str = "1";
/// What is typed instead of an instance's name where the host's name is to be taken.
const HOSTNAME: &str = "hostname";

/// The arguments, as resolved.
#[derive(Debug, Clone)]
pub struct Bootstrap {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The address that others reach this process at: given, or found out before it does anything else.
    pub advertise: Option<String>,
    /// Further names by which others ask for this process.
    pub hosts: Vec<String>,
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
    /// How long a start waits for what it needs and that is not there yet.
    pub patience: Duration,
}

/// Arguments that cannot be used: every fault at once. No further start mends them.
#[derive(Debug, thiserror::Error)]
#[error("the arguments cannot be used:\n  {}", .0.join("\n  "))]
pub struct ArgumentsError(Vec<String>);

impl Args {
    /// Checks what was typed, and reads the files that it names.
    pub fn resolve(self) -> Result<Bootstrap, ArgumentsError> {
        let own = |value: &Option<String>| given(value).map(str::to_owned);
        let [registry, broker, otlp, config_server, advertise] =
            [&self.registry, &self.broker, &self.otlp, &self.config_server, &self.advertise].map(own);
        let messages = Messages::parse(broker.as_deref());
        let mut faults = Vec::new();
        let store = match given(&self.store) {
            Some(url) => noted(StoreUrl::parse(url), &mut faults),
            None => Some(StoreUrl::sqlite_in(&self.data.join("db"))),
        };
        noted(registry.as_deref().map_or(Ok(()), discovery::check_address), &mut faults);
        if let Messages::Broker(url) = &messages {
            noted(Broker::check_address(url), &mut faults);
        }
        noted(otlp.as_deref().map_or(Ok(()), otlp::check_address), &mut faults);
        noted(config_server.as_deref().map_or(Ok(()), config::check_address), &mut faults);
        noted(advertise.as_deref().map_or(Ok(()), own_address::check_address), &mut faults);
        let token = operator_token(&self.operator_token, self.operator_token_file.as_deref());
        let operator_token = noted(token, &mut faults);
        let (Some(store), Some(operator_token), true) = (store, operator_token, faults.is_empty()) else {
            return Err(ArgumentsError(faults));
        };
        let hosts = self.hosts.iter().map(|host| host.trim().to_owned());
        let instance = own(&Some(self.instance)).unwrap_or_else(|| INSTANCE.to_owned());
        Ok(Bootstrap {
            listen: self.listen,
            advertise,
            hosts: hosts.filter(|host| !host.is_empty()).collect(),
            data: self.data,
            store,
            placement: self.placement,
            abort_at: AbortAt::named(self.abort_at),
            registry,
            registry_token: own(&self.registry_token),
            messages,
            gate: if self.messages_held { GateState::Held } else { GateState::Open },
            otlp,
            config_server,
            profile: own(&Some(self.profile)).unwrap_or_else(|| PROFILE.to_owned()),
            process: own(&self.process).unwrap_or_else(what_it_runs),
            instance: if instance == HOSTNAME { hostname() } else { instance },
            operator_token,
            linger: Duration::from_millis(self.linger_ms),
            patience: Duration::from_millis(self.patience_ms),
        })
    }
}

/// What came out, or a fault more.
fn noted<T>(outcome: Result<T, impl Display>, faults: &mut Vec<String>) -> Option<T> {
    outcome.map_err(|fault| faults.push(fault.to_string())).ok()
}

impl Bootstrap {
    /// For tests and single processes: everything in `data`, on its own, on a free port.
    pub fn alone(data: PathBuf) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            advertise: None,
            hosts: Vec::new(),
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
            profile: PROFILE.to_owned(),
            process: what_it_runs(),
            instance: INSTANCE.to_owned(),
            operator_token: None,
            linger: Duration::ZERO,
            patience: PATIENCE,
        }
    }

    /// The name of this process' instance of `module`, in registry and logs.
    pub fn instance_of(&self, module: &str) -> String {
        format!("{module}-{}", self.instance)
    }

    /// The databases of what this process hosts.
    pub fn stores(&self) -> Stores {
        Stores::new(self.store.clone(), &self.data, self.placement, self.abort_at.clone(), self.patience)
    }
}

/// What was given, and is not empty.
pub fn given(value: &Option<String>) -> Option<&str> {
    value.as_deref().map(str::trim).filter(|value| !value.is_empty())
}

/// The operator token that was given, or that stands in a file. Empty ones are not given; an empty file is a fault, since
/// nobody could change anything, and nobody would know why.
pub fn operator_token(
    given_token: &Option<String>,
    file: Option<&OsStr>,
) -> Result<Option<String>, TokenError> {
    let file = file.filter(|file| !file.is_empty()).map(Path::new);
    match (given(given_token), file) {
        (Some(_), Some(_)) => Err(TokenError::Twice),
        (Some(token), None) => Ok(Some(token.to_owned())),
        (None, Some(file)) => token_in(file).map(Some),
        (None, None) => Ok(None),
    }
}

fn token_in(file: &Path) -> Result<String, TokenError> {
    let text = std::fs::read_to_string(file)
        .map_err(|why| TokenError::Unreadable { file: file.to_owned(), why: why.to_string() })?;
    let token = text.trim();
    if token.is_empty() { Err(TokenError::Empty(file.to_owned())) } else { Ok(token.to_owned()) }
}

/// Why the operator token is not known that somebody meant to give.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It was given in both ways.
    #[error(
        "the operator token is given twice: leave out either --operator-token (TRADEWIND_OPERATOR_TOKEN) or \
         --operator-token-file (TRADEWIND_OPERATOR_TOKEN_FILE)"
    )]
    Twice,
    /// Its file cannot be read.
    #[error("the operator token cannot be read from {}: {why}", file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// In the system's words.
        why: String,
    },
    /// There is nothing in its file.
    #[error(
        "there is no operator token in {}: write one there (`openssl rand -hex 32` makes one), or leave out \
         --operator-token-file (TRADEWIND_OPERATOR_TOKEN_FILE)",
        .0.display()
    )]
    Empty(PathBuf),
}

/// What this host is called: in a container, what tells it from all others.
fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
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

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, FromArgMatches, Parser};

    use super::*;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        args: Args,
    }

    /// What comes of these words, whatever the environment of the test says.
    fn resolved(words: &[&str]) -> Result<Bootstrap, ArgumentsError> {
        let command = Typed::command().mut_args(|argument| argument.env(None::<&'static str>));
        let words = [["tradewind"].as_slice(), words].concat();
        let matches = command.try_get_matches_from(words).expect("parses");
        Typed::from_arg_matches(&matches).expect("fits").args.resolve()
    }

    #[test]
    fn an_operator_token_is_given_or_stands_in_a_file_and_not_both() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, empty) = (folder.path().join("token"), folder.path().join("empty"));
        std::fs::write(&file, "from the file\n").expect("written");
        std::fs::write(&empty, "\n").expect("written");
        let [file, empty] = [&file, &empty].map(|path| path.to_str().expect("UTF-8"));
        let token = |words: &[&str]| resolved(words).expect("resolves").operator_token;
        assert_eq!(token(&["--operator-token", "sesame"]).as_deref(), Some("sesame"));
        assert_eq!(token(&["--operator-token-file", file]).as_deref(), Some("from the file"));
        let half = ["--operator-token", "", "--operator-token-file", file];
        assert_eq!(token(&half).as_deref(), Some("from the file"), "an empty one is none");
        assert_eq!(token(&["--operator-token", "", "--operator-token-file", ""]), None);

        let told = |words: &[&str]| resolved(words).expect_err("no token").to_string();
        let both = told(&["--operator-token", "sesame", "--operator-token-file", file]);
        for part in ["leave out", "TRADEWIND_OPERATOR_TOKEN)", "TRADEWIND_OPERATOR_TOKEN_FILE)"] {
            assert!(both.contains(part), "{both:?} does not say {part:?}");
        }
        assert!(!both.contains("sesame"), "{both}");
        let nothing = told(&["--operator-token-file", empty]);
        assert!(nothing.contains(empty) && nothing.contains("openssl rand"), "{nothing}");
        assert!(told(&["--operator-token-file", "/nowhere"]).contains("cannot be read from /nowhere"));
    }

    #[test]
    fn what_is_empty_is_not_given() {
        let flags = [
            "--registry",
            "--config-server",
            "--store",
            "--broker",
            "--otlp",
            "--advertise",
            "--process",
            "--profile",
            "--instance",
        ];
        let words: Vec<_> = flags.into_iter().flat_map(|flag| [flag, ""]).collect();
        let said = resolved(&words).expect("resolves");
        let silent = resolved(&[]).expect("resolves");
        assert_eq!((said.registry, said.config_server, said.otlp, said.advertise), (None, None, None, None));
        assert_eq!((said.store, said.messages), (silent.store, Messages::None));
        assert_eq!(said.process, silent.process);
        assert_eq!((said.profile.as_str(), said.instance.as_str()), ("default", "1"));
    }

    #[test]
    fn every_address_that_cannot_be_used_is_named_at_once_and_no_password() {
        let words = [
            ("--store", "mysql://me:hunter2@db/shop"),
            ("--registry", "me:hunter2@consul:8500"),
            ("--config-server", "me:hunter2@config-server"),
            ("--broker", "http://me:hunter2@rabbitmq"),
            ("--otlp", "https://me:hunter2@collector:4317"),
            ("--advertise", "http://me:hunter2@orders:9000"),
        ];
        let words: Vec<_> = words.iter().flat_map(|(flag, value)| [*flag, *value]).collect();
        let told = resolved(&words).expect_err("none of them is one").to_string();
        for part in [
            "mysql://db/shop",
            "consul:8500",
            "config server's address config-server",
            "amqp://",
            "--otlp",
            "--advertise",
        ] {
            assert!(told.contains(part), "{told:?} does not say {part:?}");
        }
        assert!(told.lines().count() == 7 && !told.contains("hunter2"), "{told}");
    }

    #[test]
    fn an_instance_may_be_called_like_its_host() {
        let instance = |words: &[&str]| resolved(words).expect("resolves").instance;
        assert_eq!(instance(&["--instance", "3"]), "3");
        let host = instance(&["--instance", "hostname"]);
        assert!(!host.is_empty() && host == hostname(), "{host:?}");
    }

    #[test]
    fn hosts_are_separated_by_commas() {
        let hosts = |words: &[&str]| resolved(words).expect("resolves").hosts;
        assert_eq!(hosts(&["--hosts", "orders, orders.shop"]), ["orders", "orders.shop"]);
        assert!(hosts(&["--hosts", ""]).is_empty(), "as an environment has it that names none");
    }

    #[test]
    fn a_start_waits_for_a_minute_unless_told_otherwise() {
        let patience = |words: &[&str]| resolved(words).expect("resolves").patience;
        assert_eq!(patience(&[]), Duration::from_secs(60));
        assert_eq!(patience(&["--patience-ms", "5"]), Duration::from_millis(5));
    }
}
