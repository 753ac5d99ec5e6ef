//! The arguments of `up` and `run`.

use std::net::SocketAddr;
use std::path::PathBuf;

use chassis::process::given;
use clap::{Args, Parser, ValueEnum};

use super::FolderArgs;
use crate::exit::Ending;
use crate::run::Role;

/// Which ports the shop takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Ports {
    /// 8080 for the gateway, 8500 for the registry, 8888 for the config server, 8600 for the card network, 5672
    /// and 15672 for the broker, 16686, 4317 and 4318 for the observatory
    Usual,
    /// Any that are free
    Auto,
}

/// Starts the shop.
#[derive(Debug, Args)]
pub struct UpArgs {
    /// Which shop.
    #[command(flatten)]
    pub shop: FolderArgs,
    /// Which modules share a process: a built-in topology (`tradewind topology list`), or a file. A shop that is
    /// arranged otherwise is moved there; one that is new begins as microservices when nothing is said
    #[arg(long, value_name = "NAME|FILE", env = "TRADEWIND_TOPOLOGY")]
    pub topology: Option<String>,
    /// Which ports to take; `auto` lets several shops run on one machine
    #[arg(long, value_enum, default_value = "usual")]
    pub ports: Ports,
    /// The port of the gateway, instead of 8080
    #[arg(long, value_name = "PORT")]
    pub gateway_port: Option<u16>,
    /// The port of the registry, instead of 8500
    #[arg(long, value_name = "PORT")]
    pub registry_port: Option<u16>,
    /// The port of the config server, instead of 8888
    #[arg(long, value_name = "PORT")]
    pub config_server_port: Option<u16>,
    /// The port of the card network, instead of 8600
    #[arg(long, value_name = "PORT")]
    pub card_network_port: Option<u16>,
    /// The port of the broker, instead of 5672
    #[arg(long, value_name = "PORT")]
    pub broker_port: Option<u16>,
    /// The port of the broker's HTTP API, instead of 15672
    #[arg(long, value_name = "PORT")]
    pub broker_http_port: Option<u16>,
    /// The port of the observatory's pages, where traces are shown, instead of 16686
    #[arg(long, value_name = "PORT")]
    pub observatory_port: Option<u16>,
    /// The port at which the observatory takes in OTLP by gRPC, instead of 4317
    #[arg(long, value_name = "PORT")]
    pub otlp_port: Option<u16>,
    /// The port at which the observatory takes in OTLP by HTTP, instead of 4318
    #[arg(long, value_name = "PORT")]
    pub otlp_http_port: Option<u16>,
    /// The databases: postgres://… or sqlite:FOLDER/{module}.db; SQLite in the data folder when not given
    #[arg(long, value_name = "URL", env = "TRADEWIND_STORE", hide_env_values = true)]
    pub store: Option<String>,
    /// A Consul to use as the registry, instead of the embedded one
    #[arg(long, value_name = "URL", env = "TRADEWIND_REGISTRY")]
    pub registry: Option<String>,
    /// The token of that registry, where it asks for one
    #[arg(long, value_name = "TOKEN", env = "TRADEWIND_REGISTRY_TOKEN", hide_env_values = true)]
    pub registry_token: Option<String>,
    /// A RabbitMQ (3.10 or later) to use as the message broker, instead of the embedded one:
    /// amqp://USER:PASSWORD@HOST:PORT/VHOST
    #[arg(long, value_name = "URL", env = "TRADEWIND_BROKER", hide_env_values = true)]
    pub broker: Option<String>,
    /// Where traces and metrics are sent, instead of to the observatory, which does not run then: http://HOST:4317
    /// of a collector that takes OTLP by gRPC, http://HOST:4318 of one that takes it by HTTP, or `none`
    #[arg(long, value_name = "URL|none", env = "TRADEWIND_OTLP", hide_env_values = true)]
    pub otlp: Option<String>,
    /// The folder of configuration files; ./config where that exists, the built-in ones otherwise
    #[arg(long, value_name = "FOLDER")]
    pub config: Option<PathBuf>,
    /// The configuration profile
    #[arg(long, value_name = "NAME", default_value = "default", env = "TRADEWIND_PROFILE")]
    pub profile: String,
    /// Print one line of JSON when ready, for programs
    #[arg(long)]
    pub json: bool,
}

impl UpArgs {
    /// The same without what is empty, where the rest goes together.
    pub fn settled(self) -> Result<Self, Ending> {
        let args = self.without_what_is_empty();
        args.go_together()?;
        Ok(args)
    }

    /// A server that another is used instead of has no port. clap could see to that, but counts what is empty as given.
    fn go_together(&self) -> Result<(), Ending> {
        let registry = ("'--registry <URL>' (TRADEWIND_REGISTRY)", self.registry.is_some());
        let broker = ("'--broker <URL>' (TRADEWIND_BROKER)", self.broker.is_some());
        let otlp = ("'--otlp <URL|none>' (TRADEWIND_OTLP)", self.otlp.is_some());
        let clash = [
            ("--registry-port", self.registry_port, registry),
            ("--broker-port", self.broker_port, broker),
            ("--broker-http-port", self.broker_http_port, broker),
            ("--observatory-port", self.observatory_port, otlp),
            ("--otlp-port", self.otlp_port, otlp),
            ("--otlp-http-port", self.otlp_http_port, otlp),
        ]
        .into_iter()
        .find(|(_, port, (_, is_given))| port.is_some() && *is_given);
        match clash {
            Some((flag, _, (other, _))) => {
                Err(Ending::Usage(format!("the argument '{flag} <PORT>' cannot be used with {other}")))
            }
            None => Ok(()),
        }
    }

    /// The same without what is empty, which is not given: an environment may hold a variable that says nothing.
    fn without_what_is_empty(self) -> Self {
        let own = |value: Option<String>| given(&value).map(str::to_owned);
        Self {
            topology: own(self.topology),
            store: own(self.store),
            registry: own(self.registry),
            registry_token: own(self.registry_token),
            broker: own(self.broker),
            otlp: own(self.otlp),
            ..self
        }
    }

    pub(super) fn parse_from_nothing() -> Self {
        #[derive(Parser)]
        struct Alone {
            #[command(flatten)]
            up: UpArgs,
        }
        Alone::parse_from(["tradewind"]).up
    }
}

/// Runs one process.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// What it runs: one supporting server, or any number of modules
    #[arg(value_enum, value_name = "NAME", required = true)]
    pub roles: Vec<Role>,
    /// What the process must know before it can ask anybody.
    #[command(flatten)]
    pub process_args: chassis::process::Args,
    /// The folder of configuration files, for the config server
    #[arg(long, value_name = "FOLDER", default_value = "config")]
    pub config_files: PathBuf,
    /// Where the outside world finds the gateway
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", env = "TRADEWIND_GATEWAY_LISTEN")]
    pub gateway_listen: SocketAddr,
    /// Where the broker answers HTTP; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub http_listen: SocketAddr,
    /// Where the observatory is spoken to.
    #[command(flatten)]
    pub watching: ObservatoryArgs,
    /// Drain and exit when standard input ends: the other end of the pipe is the supervisor's
    #[arg(long, hide = true)]
    pub lifeline: bool,
}

/// Where the observatory is spoken to. It serves nothing at `--listen`: all of its ports have usual numbers.
#[derive(Debug, Args)]
pub struct ObservatoryArgs {
    /// Where the observatory takes in OTLP by gRPC
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4317", env = "TRADEWIND_OTLP_LISTEN")]
    pub otlp_listen: SocketAddr,
    /// Where the observatory takes in OTLP by HTTP
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:4318",
        env = "TRADEWIND_OTLP_HTTP_LISTEN"
    )]
    pub otlp_http_listen: SocketAddr,
    /// Where the observatory has its pages, and answers Jaeger's query API
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:16686", env = "TRADEWIND_PAGES_LISTEN")]
    pub pages_listen: SocketAddr,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};

    fn settled(words: &[&str]) -> Result<UpArgs, Ending> {
        let words = [&["tradewind", "up"], words].concat();
        match Cli::try_parse_from(words).expect("parses").command {
            Some(Command::Up(args)) => args.settled(),
            other => panic!("it is up, not {other:?}"),
        }
    }

    /// Each port, and the option that names another server, which has its own.
    static PORTS: [(&str, &str); 6] = [
        ("--registry-port", "--registry"),
        ("--broker-port", "--broker"),
        ("--broker-http-port", "--broker"),
        ("--observatory-port", "--otlp"),
        ("--otlp-port", "--otlp"),
        ("--otlp-http-port", "--otlp"),
    ];

    #[test]
    fn the_port_of_a_server_that_another_is_used_instead_of_is_refused() {
        for (port, other) in PORTS {
            let told = settled(&[port, "8501", other, "http://127.0.0.1:1"]).expect_err(port).to_string();
            let clash = format!("'{port} <PORT>' cannot be used with '{other} <");
            assert!(told.contains(&clash), "{told}");
        }
    }

    #[test]
    fn what_is_empty_is_no_other_server() {
        for (port, other) in PORTS {
            for nothing in ["", " "] {
                assert!(settled(&[port, "8501", other, nothing]).is_ok(), "{port} with {other} {nothing:?}");
            }
        }
    }

    #[test]
    fn what_is_empty_is_not_given() {
        let words = ["--topology", "", "--store", "", "--registry", "", "--broker", " "];
        let args = settled(&[words.as_slice(), &["--registry-token", "", "--otlp", "none"]].concat());
        let args = args.expect("it goes together");
        let others = [args.topology, args.store, args.registry, args.registry_token, args.broker];
        assert!(others.iter().all(Option::is_none), "{others:?}");
        assert_eq!(args.otlp.as_deref(), Some("none"));
    }
}
