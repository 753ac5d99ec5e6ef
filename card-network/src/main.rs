//! Runs the simulated card network: `cargo run -p card-network -- --listen 127.0.0.1:8600`.

use std::process::ExitCode;

use anyhow::Context as _;
use card_network::{Args, CardNetwork};
use chassis::process::{block_on, run_standalone, signalled};
use clap::Parser;

/// The simulated card network: an outside party with a REST API of its own
#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: Args,
}

fn main() -> ExitCode {
    let args = Command::parse().args;
    block_on(async {
        let network = CardNetwork::open(args.config()?).await?;
        let listener = tokio::net::TcpListener::bind(args.listen)
            .await
            .with_context(|| format!("cannot listen on {}: choose another --listen", args.listen))?;
        run_standalone(network.router(), listener, signalled(), std::future::ready(())).await
    })
}
