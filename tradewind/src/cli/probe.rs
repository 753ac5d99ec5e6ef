//! The arguments of `probe`.

use std::net::SocketAddr;

use clap::Args;

/// Asks a process whether it is ready.
#[derive(Debug, Args)]
pub struct ProbeArgs {
    /// What to ask for; `/readyz` of the process that listens at `--listen` when not given
    #[arg(value_name = "URL")]
    pub url: Option<String>,
    /// Where the process listens that is asked; where that is every address, it is asked over loopback
    #[arg(long, value_name = "ADDRESS", env = "TRADEWIND_LISTEN")]
    pub listen: Option<SocketAddr>,
}
