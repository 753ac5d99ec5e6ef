//! Runs the catalog alone: `cargo run -p catalog`.

use std::process::ExitCode;

use clap::Parser;

/// The catalog service.
#[derive(Parser)]
#[command(version)]
struct Command {
    #[command(flatten)]
    process: chassis::process::Args,
}

fn main() -> ExitCode {
    chassis::process::main(chassis::process::arguments::<Command>().process, async |platform| {
        let wires = wires::Resolver::new(platform);
        Ok(vec![catalog::assemble(platform, &wires).await?])
    })
}
