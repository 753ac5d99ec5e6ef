//! Runs shipping alone: `cargo run -p shipping`.

use std::process::ExitCode;

use clap::Parser;

/// The shipping service.
#[derive(Parser)]
#[command(version)]
struct Command {
    #[command(flatten)]
    process: chassis::process::Args,
}

fn main() -> ExitCode {
    chassis::process::main(chassis::process::arguments::<Command>().process, async |platform| {
        let wires = wires::Resolver::new(platform);
        Ok(vec![shipping::assemble(platform, &wires).await?])
    })
}
