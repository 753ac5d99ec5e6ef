//! The arguments of `move` and `topology`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ShopArgs;

/// Moves the shop.
#[derive(Debug, Args)]
#[group(id = "way", required = true, multiple = false, args = ["to", "undo"])]
pub struct MoveArgs {
    /// Which shop.
    #[command(flatten)]
    pub shop: ShopArgs,
    /// Where to: a built-in topology, or a file
    #[arg(long, value_name = "NAME|FILE")]
    pub to: Option<String>,
    /// Take back the move that is under way, or that was interrupted
    #[arg(long)]
    pub undo: bool,
    /// Print JSON at the end
    #[arg(long)]
    pub json: bool,
}

/// Looks at topologies.
#[derive(Debug, Subcommand)]
pub enum TopologyCommand {
    /// List the built-in topologies
    #[command(after_help = "Example:\n  tradewind topology list")]
    List(TopologyListArgs),
    /// Draw a topology: what runs where, and which wire each edge takes
    #[command(
        after_help = "Examples:\n  tradewind topology show\n  tradewind topology show step-4-payments\n  tradewind topology show ./mine.toml --svg mine.svg"
    )]
    Show(Box<TopologyShowArgs>),
}

/// Lists topologies.
#[derive(Debug, Args)]
pub struct TopologyListArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Draws a topology.
#[derive(Debug, Args)]
pub struct TopologyShowArgs {
    /// Which shop, where no topology is named.
    #[command(flatten)]
    pub shop: ShopArgs,
    /// Which: a built-in one, or a file; that of the running shop when not given
    #[arg(value_name = "NAME|FILE")]
    pub topology: Option<String>,
    /// Write a picture instead
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub svg: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
