//! The arguments, as typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::exit;
use crate::run::Process;

/// An online shop that runs as microservices. Without a command: `up`.
#[derive(Debug, Parser)]
#[command(name = "tradewind", version, after_help = exit::HELP, max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What `tradewind` alone means.
pub fn up_as_usual() -> Command {
    Command::Up(UpArgs::parse_from_nothing())
}

/// What the command can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the shop, each service a process of its own, and keep it running
    #[command(
        after_help = "Examples:\n  tradewind up\n  tradewind up --ports auto --data /tmp/second-shop\n  tradewind up --store postgres://shop:secret@localhost/tradewind --registry http://127.0.0.1:8500"
    )]
    Up(UpArgs),
    /// Stop the running shop: requests under way are finished first
    #[command(after_help = "Example:\n  tradewind down")]
    Down(ShopArgs),
    /// Show the processes of the running shop: where they are, what they use, how they do
    #[command(after_help = "Example:\n  tradewind status --json | jq '.totals'")]
    Status(StatusArgs),
    /// Place orders through the gateway and show what became of them
    #[command(
        after_help = "Examples:\n  tradewind order\n  tradewind order --card tok_decline\n  tradewind order --count 500 --concurrency 16\n\nExit code 0 only when every order was confirmed."
    )]
    Order(OrderArgs),
    /// Show every step of an order
    #[command(after_help = "Example:\n  tradewind timeline 01890a5d-ac96-774b-bcce-b302099a8057")]
    Timeline(TimelineArgs),
    /// Show how much of a product there is
    #[command(after_help = "Example:\n  tradewind stock KIT-0001")]
    Stock(StockArgs),
    /// Look at the configuration of the running shop, and change it
    #[command(subcommand, after_help = "Example:\n  tradewind config get orders")]
    Config(ConfigCommand),
    /// Show which wire each call between services takes, or change it while the shop runs
    #[command(
        args_conflicts_with_subcommands = true,
        after_help = "Examples:\n  tradewind wires\n  tradewind wires set orders inventory grpc"
    )]
    Wires(WiresArgs),
    /// Empty the data folder: every order, every change of configuration, every log
    #[command(after_help = "Example:\n  tradewind reset --yes")]
    Reset(ResetArgs),
    /// Run one process of the shop; `up` does this for each
    #[command(
        after_help = "Example:\n  tradewind run inventory --listen 127.0.0.1:9001 --registry http://127.0.0.1:8500 --config-server http://127.0.0.1:8888"
    )]
    Run(Box<RunArgs>),
}

/// Which shop.
#[derive(Debug, Clone, Args)]
pub struct ShopArgs {
    /// The data folder of the shop
    #[arg(long, value_name = "FOLDER", default_value = ShopArgs::USUAL_DATA, env = "TRADEWIND_DATA")]
    pub data: PathBuf,
}

impl ShopArgs {
    /// The data folder when none is named.
    pub const USUAL_DATA: &str = ".tradewind";
}

/// Which ports the shop takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Ports {
    /// 8080 for the gateway, 8500 for the registry, 8888 for the config server, 8600 for the card network
    Usual,
    /// Any that are free
    Auto,
}

/// Starts the shop.
#[derive(Debug, Args)]
pub struct UpArgs {
    /// Which shop.
    #[command(flatten)]
    pub shop: ShopArgs,
    /// Which ports to take; `auto` lets several shops run on one machine
    #[arg(long, value_enum, default_value = "usual")]
    pub ports: Ports,
    /// The port of the gateway, instead of 8080
    #[arg(long, value_name = "PORT")]
    pub gateway_port: Option<u16>,
    /// The port of the registry, instead of 8500
    #[arg(long, value_name = "PORT", conflicts_with = "registry")]
    pub registry_port: Option<u16>,
    /// The port of the config server, instead of 8888
    #[arg(long, value_name = "PORT")]
    pub config_server_port: Option<u16>,
    /// The port of the card network, instead of 8600
    #[arg(long, value_name = "PORT")]
    pub card_network_port: Option<u16>,
    /// The databases: postgres://… or sqlite:FOLDER/{module}.db; SQLite in the data folder when not given
    #[arg(long, value_name = "URL", env = "TRADEWIND_STORE", hide_env_values = true)]
    pub store: Option<String>,
    /// A Consul to use as the registry, instead of the embedded one
    #[arg(long, value_name = "URL", env = "TRADEWIND_REGISTRY")]
    pub registry: Option<String>,
    /// The token of that registry, where it asks for one
    #[arg(long, value_name = "TOKEN", env = "TRADEWIND_REGISTRY_TOKEN", hide_env_values = true)]
    pub registry_token: Option<String>,
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
    fn parse_from_nothing() -> Self {
        #[derive(Parser)]
        struct Alone {
            #[command(flatten)]
            up: UpArgs,
        }
        Alone::parse_from(["tradewind"]).up
    }
}

/// Shows the processes.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Which shop.
    #[command(flatten)]
    pub shop: ShopArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Places orders.
#[derive(Debug, Clone, Args)]
pub struct OrderArgs {
    /// Which shop.
    #[command(flatten)]
    pub shop: ShopArgs,
    /// The product
    #[arg(long, default_value = "KIT-0001")]
    pub sku: String,
    /// How many of it
    #[arg(long, default_value_t = 1)]
    pub quantity: u32,
    /// The card to pay with; card-network/README.md lists the test cards
    #[arg(long, value_name = "TOKEN", default_value = "tok_approve")]
    pub card: String,
    /// Who orders
    #[arg(long, value_name = "NAME", default_value = "demo")]
    pub customer: String,
    /// How many orders to place
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub count: u32,
    /// How many of them at the same time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub concurrency: u16,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Shows an order's steps.
#[derive(Debug, Args)]
pub struct TimelineArgs {
    /// Which shop.
    #[command(flatten)]
    pub shop: ShopArgs,
    /// The order
    #[arg(value_name = "ORDER")]
    pub order: uuid::Uuid,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Shows a product's stock.
#[derive(Debug, Args)]
pub struct StockArgs {
    /// Which shop.
    #[command(flatten)]
    pub shop: ShopArgs,
    /// The product
    #[arg(value_name = "SKU")]
    pub sku: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What can be done with the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Show what holds for an application, and who set it
    #[command(
        after_help = "Examples:\n  tradewind config get orders\n  tradewind config get application wires"
    )]
    Get(ConfigGetArgs),
    /// Change one key while the shop runs
    #[command(
        after_help = "Examples:\n  tradewind config set application wires.orders.inventory grpc\n\nThe value is JSON where it can be read as JSON, and text otherwise. Returns when every live instance runs with it."
    )]
    Set(ConfigSetArgs),
    /// Show the last changes
    #[command(after_help = "Example:\n  tradewind config history orders --limit 5")]
    History(ConfigHistoryArgs),
    /// Make the runtime changes that held at a version hold again
    #[command(after_help = "Example:\n  tradewind config rollback application 3")]
    Rollback(ConfigRollbackArgs),
}

/// Whose configuration, at which shop.
#[derive(Debug, Clone, Args)]
pub struct ApplicationArgs {
    /// Which shop.
    #[command(flatten)]
    pub shop: ShopArgs,
    /// The application; `application` stands for what all share
    #[arg(value_name = "APPLICATION")]
    pub application: String,
    /// The configuration profile
    #[arg(long, value_name = "NAME", default_value = "default", env = "TRADEWIND_PROFILE")]
    pub profile: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Shows what holds.
#[derive(Debug, Args)]
pub struct ConfigGetArgs {
    /// Whose.
    #[command(flatten)]
    pub of: ApplicationArgs,
    /// One key, or a group of keys; all when not given
    #[arg(value_name = "KEY")]
    pub key: Option<String>,
}

/// Changes a key.
#[derive(Debug, Args)]
pub struct ConfigSetArgs {
    /// Whose.
    #[command(flatten)]
    pub of: ApplicationArgs,
    /// The key
    #[arg(value_name = "KEY")]
    pub key: String,
    /// What it shall be
    #[arg(value_name = "VALUE")]
    pub value: String,
    /// How long to wait until every live instance runs with it, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(0..=3600))]
    pub patience: u64,
}

/// Shows changes.
#[derive(Debug, Args)]
pub struct ConfigHistoryArgs {
    /// Whose.
    #[command(flatten)]
    pub of: ApplicationArgs,
    /// How many changes
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: u32,
}

/// Restores a former state.
#[derive(Debug, Args)]
pub struct ConfigRollbackArgs {
    /// Whose.
    #[command(flatten)]
    pub of: ApplicationArgs,
    /// The version, as `history` shows it
    #[arg(value_name = "VERSION")]
    pub version: u64,
}

/// Shows or changes wires.
#[derive(Debug, Args)]
pub struct WiresArgs {
    /// What to do; `show` when not given.
    #[command(subcommand)]
    pub command: Option<WiresCommand>,
    /// For `show`.
    #[command(flatten)]
    pub show: StatusArgs,
}

/// What can be done with wires.
#[derive(Debug, Subcommand)]
pub enum WiresCommand {
    /// Show which wire each call between services takes
    #[command(after_help = "Example:\n  tradewind wires show --json")]
    Show(StatusArgs),
    /// Change the wire between two services while the shop runs; no call fails
    #[command(
        after_help = "Example:\n  tradewind wires set orders inventory grpc\n\nReturns when every live instance has taken it over; exit code 1, naming those that have not, otherwise."
    )]
    Set(WiresSetArgs),
}

/// The wires that can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Wire {
    /// HTTP and JSON
    Rest,
    /// HTTP/2 and protobuf
    Grpc,
}

impl Wire {
    /// The word that stands for it in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Grpc => "grpc",
        }
    }
}

/// Changes a wire.
#[derive(Debug, Args)]
pub struct WiresSetArgs {
    /// Which shop.
    #[command(flatten)]
    pub shop: ShopArgs,
    /// Who calls
    #[arg(value_name = "ORIGIN")]
    pub origin: String,
    /// Who is called
    #[arg(value_name = "TARGET")]
    pub target: String,
    /// How
    #[arg(value_enum, value_name = "WIRE")]
    pub wire: Wire,
    /// How long to wait until every live instance has taken it over, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(0..=3600))]
    pub patience: u64,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Empties the data folder.
#[derive(Debug, Args)]
pub struct ResetArgs {
    /// Which shop.
    #[command(flatten)]
    pub shop: ShopArgs,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// Runs one process.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Which
    #[arg(value_enum, value_name = "NAME")]
    pub process: Process,
    /// What the process must know before it can ask anybody.
    #[command(flatten)]
    pub process_args: chassis::process::Args,
    /// The folder of configuration files, for the config server
    #[arg(long, value_name = "FOLDER", default_value = "config")]
    pub config_files: PathBuf,
    /// Drain and exit when standard input ends: the other end of the pipe is the supervisor's
    #[arg(long, hide = true)]
    pub lifeline: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn every_command(command: &clap::Command, visit: &mut impl FnMut(&clap::Command)) {
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            visit(sub);
            every_command(sub, visit);
        }
    }

    #[test]
    fn the_definitions_agree_with_each_other() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_help_has_an_example_that_parses() {
        every_command(&Cli::command(), &mut |command| {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let examples: Vec<_> = help.lines().filter_map(|line| line.strip_prefix("  tradewind")).collect();
            assert!(!examples.is_empty(), "{} has no example", command.get_name());
            for example in examples {
                let typed = example.split('|').next().unwrap_or(example);
                let words = ["tradewind"].into_iter().chain(typed.split_whitespace());
                assert!(Cli::try_parse_from(words).is_ok(), "the example does not parse: tradewind{example}");
            }
        });
    }

    #[test]
    fn whatever_a_program_might_read_comes_as_json_too() {
        let mut without = Vec::new();
        every_command(&Cli::command(), &mut |command| {
            let groups = command.get_subcommands().next().is_some() && command.get_name() != "wires";
            if !groups && !command.get_arguments().any(|argument| argument.get_id() == "json") {
                without.push(command.get_name().to_owned());
            }
        });
        without.sort();
        assert_eq!(without, ["down", "reset", "run"]);
    }

    #[test]
    fn no_command_is_up() {
        assert!(Cli::try_parse_from(["tradewind"]).expect("parses").command.is_none());
        assert!(matches!(up_as_usual(), Command::Up(UpArgs { ports: Ports::Usual, json: false, .. })));
    }

    #[test]
    fn wires_alone_shows_them() {
        let cli = Cli::try_parse_from(["tradewind", "wires", "--json", "--data", "x"]).expect("parses");
        assert!(matches!(
            cli.command,
            Some(Command::Wires(WiresArgs { command: None, show: StatusArgs { json: true, .. } }))
        ));
    }
}
