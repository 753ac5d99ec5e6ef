//! Runs the simulated card network: `cargo run -p card-network -- --listen 127.0.0.1:8600`.

use std::process::ExitCode;

use anyhow::Context as _;
use card_network::{Args, CardNetwork};
use chassis::process::{arguments, block_on, run_standalone, signalled, unless_stopped};
use clap::Parser;

/// The simulated card network: an outside party with a REST API of its own
#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: Args,
}

fn main() -> ExitCode {
    let args = arguments::<Command>().args;
    block_on(async {
        let (config, shutdown) = (args.config()?, signalled());
        let network = unless_stopped(&shutdown, async { Ok(CardNetwork::open(config).await?) }).await?;
        let listener = tokio::net::TcpListener::bind(args.listen)
            .await
            .with_context(|| format!("cannot listen on {}: choose another --listen", args.listen))?;
        run_standalone(network.router(), listener, shutdown, std::future::ready(())).await
    })
}
