//! The config server as a program of its own: `config-server --files config --data data`.

use std::process::ExitCode;

use clap::Parser;
use config_server::standalone::{Arguments, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("config-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}
