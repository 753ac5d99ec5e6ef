//! Everything but `run`: what people type at a terminal.

pub mod audit;
pub mod config;
pub mod dead_letters;
pub mod down;
pub mod migrate;
pub mod move_shop;
pub mod order;
pub mod probe;
pub mod process;
pub mod replay;
pub mod reset;
pub mod status;
pub mod stock;
pub mod timeline;
pub mod topology;
pub mod trace;
pub mod wires;

use std::process::ExitCode;

use anyhow::Context as _;
use serde::Serialize;

use crate::cli::Command;
use crate::{exit, run, text, up};

/// Does what a command says and turns the end into an exit code.
pub fn main(command: Command) -> ExitCode {
    let command = match command {
        Command::Run(args) => return run::run(args),
        other => other,
    };
    // one thread: a command waits, and hardly computes; the supervisor's memory counts, too
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    exit::code_of(
        runtime.context("the runtime cannot start").and_then(|runtime| runtime.block_on(execute(command))),
    )
}

async fn execute(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Up(args) => {
            chassis::telemetry::logs::init();
            up::up(args).await
        }
        Command::Down(args) => down::down(&args).await,
        Command::Stop(args) => process::stop(&args).await,
        Command::Start(args) => process::start(&args).await,
        Command::Status(args) => status::status(&args).await,
        Command::Order(args) => order::order(&args).await,
        Command::Timeline(args) => timeline::timeline(&args).await,
        Command::Trace(args) => trace::trace(&args).await,
        Command::Stock(args) => stock::stock(&args).await,
        Command::Audit(args) => audit::audit(&args).await,
        Command::Config(command) => config::config(command).await,
        Command::Wires(args) => wires::wires(args).await,
        Command::DeadLetters(command) => dead_letters::dead_letters(command).await,
        Command::Replay(args) => replay::replay(&args).await,
        Command::Migrate(args) => {
            // it may have to wait, and the log says for what
            chassis::telemetry::logs::init();
            migrate::migrate(&args).await
        }
        Command::Move(args) => move_shop::move_shop(&args).await,
        Command::Topology(command) => topology::topology(command).await,
        Command::Reset(args) => reset::reset(&args).await,
        Command::Probe(args) => probe::probe(&args).await,
        // `main` has taken it: it makes a runtime of its own
        Command::Run(_) => Ok(()),
    }
}

/// Prints for programs.
fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    Ok(text::say(serde_json::to_string_pretty(value).context("the answer cannot be written as JSON")?)?)
}
