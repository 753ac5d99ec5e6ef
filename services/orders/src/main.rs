//! Orders as a process of its own.

use std::process::ExitCode;

use clap::Parser;

/// The orders of Tradewind, alone. Example: orders --registry http://127.0.0.1:8500 --data .orders
#[derive(Parser)]
struct Command {
    #[command(flatten)]
    process: chassis::process::Args,
}

fn main() -> ExitCode {
    chassis::process::main(chassis::process::arguments::<Command>().process, async |platform| {
        let wires = wires::Resolver::new(platform);
        Ok(vec![orders::assemble(platform, &wires).await?])
    })
}
