//! Who does what a command says; and every command but `up` and `run`.

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

use crate::cli::{Command, Errand};
use crate::exit::Ending;
use crate::{exit, run, text, up};

/// How long threads may go on at the end that wait for the system, or for somebody to type.
const LAST_CALLS: Duration = Duration::from_secs(1);

/// Does what a command says and turns the end into an exit code.
pub fn main(command: Command) -> ExitCode {
    match command {
        Command::Up(args) => block_on(async {
            chassis::telemetry::logs::init();
            up::up(args).await
        }),
        // it makes a runtime of its own
        Command::Run(args) => run::run(args),
        Command::Errand(errand) => block_on(run_errand(errand)),
    }
}

/// Sees work to its end and turns that into an exit code.
fn block_on(work: impl Future<Output = anyhow::Result<()>>) -> ExitCode {
    // one thread: a command waits, and hardly computes; the supervisor's memory counts, too
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    exit::code_of(runtime.context("the runtime cannot start").and_then(|runtime| {
        let outcome = runtime.block_on(work);
        runtime.shutdown_timeout(LAST_CALLS);
        outcome
    }))
}

async fn run_errand(errand: Errand) -> anyhow::Result<()> {
    match errand {
        // it hears signals itself, to tell how its orders ended
        Errand::Order(args) if args.endless => order::order(&args).await,
        other if is_process_1() => unless_told_to_end(EndSignal::first(), answer(other)).await,
        other => answer(other).await,
    }
}

/// Whether the system keeps from this process every signal that it does not hear: it is all that runs in a container.
/// Any other is ended by the system, so that a shell sees by what.
fn is_process_1() -> bool {
    std::process::id() == 1
}

/// Does the work of an errand, unless a signal comes first.
async fn unless_told_to_end(
    signal: impl Future<Output = io::Result<EndSignal>>,
    work: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    tokio::select! {
        outcome = work => outcome,
        heard = signal => Err(Ending::ToldToEnd(heard.context("signals cannot be heard")?).into()),
    }
}

async fn answer(errand: Errand) -> anyhow::Result<()> {
    match errand {
        Errand::Down(args) => down::down(&args).await,
        Errand::Stop(args) => process::stop(&args).await,
        Errand::Start(args) => process::start(&args).await,
        Errand::Status(args) => status::status(&args).await,
        Errand::Order(args) => order::order(&args).await,
        Errand::Timeline(args) => timeline::timeline(&args).await,
        Errand::Trace(args) => trace::trace(&args).await,
        Errand::Stock(args) => stock::stock(&args).await,
        Errand::Audit(args) => audit::audit(&args).await,
        Errand::Config(command) => config::config(command).await,
        Errand::Wires(args) => wires::wires(*args).await,
        Errand::DeadLetters(command) => dead_letters::dead_letters(command).await,
        Errand::Replay(args) => replay::replay(&args).await,
        Errand::Migrate(args) => {
            // it may have to wait, and the log says for what
            chassis::telemetry::logs::init();
            migrate::migrate(&args).await
        }
        Errand::Move(args) => move_shop::move_shop(&args).await,
        Errand::Topology(command) => topology::topology(command).await,
        Errand::Reset(args) => reset::reset(&args).await,
        Errand::Probe(args) => probe::probe(&args).await,
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
