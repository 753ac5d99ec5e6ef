//! Runs the gateway alone: `cargo run -p gateway`.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;

/// The API gateway of Tradewind, alone. Example: gateway --registry http://127.0.0.1:8500
#[derive(Parser)]
#[command(version)]
struct Command {
    #[command(flatten)]
    process: chassis::process::Args,
    /// Where the outside world finds the gateway; --listen is for those who watch it
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", env = "TRADEWIND_GATEWAY_LISTEN")]
    gateway_listen: SocketAddr,
}

fn main() -> ExitCode {
    let Command { process, gateway_listen } = chassis::process::arguments::<Command>();
    chassis::process::main(process, async |platform| {
        let door = chassis::process::bind(gateway_listen, "--gateway-listen").await?;
        Ok(vec![gateway::assemble(platform, door, &[]).await?])
    })
}
