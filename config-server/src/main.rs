//! The config server as a program of its own: `config-server --files config --data data`.

use std::process::ExitCode;

use clap::Parser;
use config_server::standalone::{Arguments, run};

fn main() -> ExitCode {
    chassis::process::block_on(run(Arguments::parse()))
}
