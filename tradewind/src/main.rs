//! The command `tradewind`.

use std::process::ExitCode;

fn main() -> ExitCode {
    tradewind::main()
}
