//! Runs notifications alone: `cargo run -p notifications`.

use std::process::ExitCode;

use clap::Parser;

/// The notifications service.
#[derive(Parser)]
#[command(version)]
struct Command {
    #[command(flatten)]
    process: chassis::process::Args,
}

fn main() -> ExitCode {
    chassis::process::main(chassis::process::arguments::<Command>().process, async |platform| {
        let wires = wires::Resolver::new(platform);
        Ok(vec![notifications::assemble(platform, &wires).await?])
    })
}
