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

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use chassis::process::EndSignal;
use serde::Serialize;

use crate::cli::Command;
use crate::exit::Ending;
use crate::{exit, run, text, up};

/// How long threads may go on at the end that wait for the system, or for somebody to type.
const LAST_CALLS: Duration = Duration::from_secs(1);

/// Does what a command says and turns the end into an exit code.
pub fn main(command: Command) -> ExitCode {
    let command = match command {
        Command::Run(args) => return run::run(args),
        other => other,
    };
    // one thread: a command waits, and hardly computes; the supervisor's memory counts, too
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    exit::code_of(runtime.context("the runtime cannot start").and_then(|runtime| {
        let outcome = runtime.block_on(execute(command));
        runtime.shutdown_timeout(LAST_CALLS);
        outcome
    }))
}

async fn execute(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Up(args) => {
            chassis::telemetry::logs::init();
            up::up(args).await
        }
        // it hears signals itself, to tell how its orders ended
        Command::Order(args) if args.endless => order::order(&args).await,
        other if is_process_1() => unless_told_to_end(EndSignal::first(), answer(other)).await,
        other => answer(other).await,
    }
}

/// Whether the system keeps from this process every signal that it does not hear: it is all that runs in a container.
/// Any other is ended by the system, so that a shell sees by what.
fn is_process_1() -> bool {
    std::process::id() == 1
}

/// Does the work of a command, unless a signal comes first.
async fn unless_told_to_end(
    signal: impl Future<Output = io::Result<EndSignal>>,
    work: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    tokio::select! {
        outcome = work => outcome,
        heard = signal => Err(Ending::ToldToEnd(heard.context("signals cannot be heard")?).into()),
    }
}

/// Every command but those that run the shop: it does its work, and ends.
async fn answer(command: Command) -> anyhow::Result<()> {
    match command {
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
        // `execute` and `main` have taken these: `run` makes a runtime of its own
        Command::Up(_) | Command::Run(_) => Ok(()),
    }
}

/// Prints for programs.
fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    Ok(text::say(serde_json::to_string_pretty(value).context("the answer cannot be written as JSON")?)?)
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn a_command_that_is_told_to_end_leaves_its_work_undone() {
        for (signal, code) in [(EndSignal::Terminate, 143), (EndSignal::Interrupt, 130)] {
            let ended = unless_told_to_end(ready(Ok(signal)), pending()).await;
            assert_eq!(exit::code_of(ended), ExitCode::from(code), "{signal:?}");
        }
        unless_told_to_end(pending(), ready(Ok(()))).await.expect("it is done");
        let deaf = unless_told_to_end(ready(Err(io::ErrorKind::Other.into())), pending()).await;
        assert!(deaf.is_err_and(|error| error.to_string().contains("cannot be heard")));
    }
}
