//! Runs the gateway alone: `cargo run -p gateway`.

use std::process::ExitCode;

use clap::Parser;

/// The API gateway.
#[derive(Parser)]
#[command(version, mut_arg("listen", |listen| listen.default_value("127.0.0.1:8080")))]
struct Command {
    #[command(flatten)]
    process: chassis::process::Args,
}

fn main() -> ExitCode {
    chassis::process::main(Command::parse().process, async |platform| {
        Ok(vec![gateway::assemble(platform).await?])
    })
}
