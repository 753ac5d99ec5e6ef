//! The config server as a program of its own: `config-server --files config --data data`.

use std::process::ExitCode;

use chassis::process::{arguments, block_on};
use config_server::standalone::{Arguments, run};

fn main() -> ExitCode {
    block_on(run(arguments::<Arguments>()))
}
