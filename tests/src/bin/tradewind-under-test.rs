//! The command itself, built where the system tests find it: `up` starts its own executable again for
//! each process, so the shop under test is the real one.

use std::process::ExitCode;

fn main() -> ExitCode {
    tradewind::main()
}
