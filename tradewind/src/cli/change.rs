//! The arguments of `config` and `wires`.

use clap::{Args, Subcommand, ValueEnum};

use super::{ShopArgs, StatusArgs};

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
    #[arg(value_name = "VALUE", allow_negative_numbers = true)]
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
    /// Messages through the broker, and JSON
    Amqp,
}

impl Wire {
    /// The word that stands for it in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Grpc => "grpc",
            Self::Amqp => "amqp",
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
