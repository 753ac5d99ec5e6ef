//! Runs payments alone: `cargo run -p payments`.

use std::process::ExitCode;

use clap::Parser;

/// Payments: holds, takes, lets go and gives back money, and keeps the ledger
#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: chassis::process::Args,
}

fn main() -> ExitCode {
    chassis::process::main(chassis::process::arguments::<Command>().args, async |platform| {
        let wires = wires::Resolver::new(platform);
        Ok(vec![payments::assemble(platform, &wires).await?])
    })
}
