//! Inventory as a process of its own.

use std::process::ExitCode;

use clap::Parser;

/// How much of everything there is, and who has a claim on it
#[derive(Parser)]
#[command(name = "inventory", version)]
struct Arguments {
    #[command(flatten)]
    process: chassis::process::Args,
}

fn main() -> ExitCode {
    chassis::process::main(chassis::process::arguments::<Arguments>().process, async |platform| {
        let wires = wires::Resolver::new(platform);
        Ok(vec![inventory::assemble(platform, &wires).await?])
    })
}
