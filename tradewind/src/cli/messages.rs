//! The arguments of `dead-letters` and `replay`.

use clap::{Args, Subcommand, ValueEnum};

use super::ShopArgs;

/// What can be done with messages that nobody could deal with.
#[derive(Debug, Subcommand)]
pub enum DeadLettersCommand {
    /// Show what was put aside, and why
    #[command(
        after_help = "Examples:\n  tradewind dead-letters list\n  tradewind dead-letters list --module payments --json"
    )]
    List(DeadLettersListArgs),
    /// Show one message whole: its attributes, its body, the trace in which it was said
    #[command(after_help = "Example:\n  tradewind dead-letters show 01890a5d-ac96-774b-bcce-b302099a8057")]
    Show(DeadLetterArgs),
    /// Send one message, or all of them, to the queue that they came from, once the cause is gone
    #[command(
        after_help = "Examples:\n  tradewind dead-letters redrive 01890a5d-ac96-774b-bcce-b302099a8057\n  tradewind dead-letters redrive --all --module payments"
    )]
    Redrive(RedriveArgs),
    /// Throw one message away for good
    #[command(after_help = "Example:\n  tradewind dead-letters drop 01890a5d-ac96-774b-bcce-b302099a8057")]
    Drop(DeadLetterArgs),
}

/// Lists dead letters.
#[derive(Debug, Args)]
pub struct DeadLettersListArgs {
    /// Which shop.
    #[command(flatten)]
    pub shop: ShopArgs,
    /// Those of one module; of all when not given
    #[arg(long, value_name = "NAME")]
    pub module: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Names one dead letter.
#[derive(Debug, Args)]
pub struct DeadLetterArgs {
    /// Which shop.
    #[command(flatten)]
    pub shop: ShopArgs,
    /// The message, as `list` shows it
    #[arg(value_name = "MESSAGE")]
    pub message: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Sends dead letters again.
#[derive(Debug, Args)]
pub struct RedriveArgs {
    /// Which shop.
    #[command(flatten)]
    pub shop: ShopArgs,
    /// The message, as `list` shows it
    #[arg(value_name = "MESSAGE", required_unless_present = "all", conflicts_with = "all")]
    pub message: Option<String>,
    /// All of them
    #[arg(long)]
    pub all: bool,
    /// Those of one module; of all when not given
    #[arg(long, value_name = "NAME", requires = "all")]
    pub module: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Read models that can be built anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReadModel {
    /// What goes with what
    Recommendations,
}

/// Builds a read model anew.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// Which shop.
    #[command(flatten)]
    pub shop: ShopArgs,
    /// Which read model
    #[arg(value_enum, value_name = "MODEL")]
    pub model: ReadModel,
    /// How long to wait for the end, in seconds; the replay goes on without us
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(0..=86_400))]
    pub patience: u64,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
