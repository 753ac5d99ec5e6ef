//! Runs recommendations alone: `cargo run -p recommendations -- --broker amqp://…`.

use std::process::ExitCode;

use clap::Parser;

/// What others bought who bought the same.
#[derive(Parser)]
#[command(version)]
struct Command {
    #[command(flatten)]
    process: chassis::process::Args,
}

fn main() -> ExitCode {
    chassis::process::main(chassis::process::arguments::<Command>().process, async |platform| {
        let wires = wires::Resolver::new(platform);
        Ok(vec![recommendations::assemble(platform, &wires).await?])
    })
}
