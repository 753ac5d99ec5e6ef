//! The `main` of a process: runtime, signals, exit code.

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{ArgumentsError, Module, Platform, Stopped, run};
use crate::config::ConfigError;
use crate::store::StoreError;
use crate::telemetry::logs;

/// Ends a process that was told something that it cannot use (sysexits.h, EX_USAGE), which no further start mends.
const WRONG_USE: u8 = 64;
/// How long threads may go on at the end that wait for the system: to look a name up, say.
const LAST_CALLS: Duration = Duration::from_secs(1);

/// The arguments of this process. Where they cannot be used, or only ask for help, it ends here: with 64 like every fault
/// of arguments (see [`block_on`]), and with 0 for help.
pub fn arguments<A: clap::Parser>() -> A {
    A::try_parse().unwrap_or_else(|error| {
        // a failure to print leaves nobody to tell
        let _ = error.print();
        std::process::exit(if error.use_stderr() { WRONG_USE.into() } else { 0 })
    })
}

/// The whole of a service's `main`: runs `assemble`'s modules until SIGTERM or Ctrl-C.
pub fn main(
    arguments: super::Args,
    assemble: impl AsyncFnOnce(&Platform) -> anyhow::Result<Vec<Module>>,
) -> ExitCode {
    block_on(async {
        let bootstrap = arguments.resolve()?;
        let listener = bind(bootstrap.listen, "--listen").await?;
        run(bootstrap, listener, signalled(), assemble).await
    })
}

/// Starts logging and the runtime, drives `life` to its end and turns that into an exit code: 64 for arguments or a
/// configuration that cannot be used, which no further start mends; 1 for anything else, a configuration that could not
/// be had among it, so that whoever supervises starts it again. Being told to stop is no failure, however early.
pub fn block_on(life: impl Future<Output = anyhow::Result<()>>) -> ExitCode {
    logs::init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!("the runtime cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(life);
    runtime.shutdown_timeout(LAST_CALLS);
    ending(outcome)
}

fn ending(outcome: anyhow::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<Stopped>() => {
            tracing::info!("{error:#}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!("{error:#}");
            exit_code(&error)
        }
    }
}

fn exit_code(error: &anyhow::Error) -> ExitCode {
    if error.chain().any(is_for_a_person) { ExitCode::from(WRONG_USE) } else { ExitCode::FAILURE }
}

/// Whether somebody must mend it before the next start.
fn is_for_a_person(error: &(dyn std::error::Error + 'static)) -> bool {
    matches!(error.downcast_ref::<ConfigError>(), Some(ConfigError::Invalid { .. }))
        || matches!(error.downcast_ref::<StoreError>(), Some(StoreError::Address { .. }))
        || error.is::<ArgumentsError>()
}

/// A socket that listens at the address that `flag` chose.
pub async fn bind(address: SocketAddr, flag: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}: choose another address with {flag}, or port 0 for any")
    })
}

/// Fires at the first SIGTERM or Ctrl-C.
pub fn signalled() -> CancellationToken {
    let token = CancellationToken::new();
    let fired = token.clone();
    tokio::spawn(async move {
        match EndSignal::first().await {
            Ok(_) => fired.cancel(),
            Err(error) => tracing::error!("SIGTERM and Ctrl-C cannot be heard: {error}"),
        }
    });
    token
}

/// What tells a process to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndSignal {
    /// SIGTERM.
    Terminate,
    /// SIGINT: Ctrl-C.
    Interrupt,
}

impl EndSignal {
    /// The first of them. From now on neither ends this process by itself.
    pub async fn first() -> io::Result<Self> {
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        tokio::select! {
            _ = terminate.recv() => Ok(Self::Terminate),
            _ = interrupt.recv() => Ok(Self::Interrupt),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::process::Args;
    use crate::store::StoreUrl;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn whoever_is_told_to_stop_while_it_waits_ends_with_0() {
        let stopped = anyhow::Error::from(Stopped).context("at the start");
        assert_eq!(ending(Err(stopped)), ExitCode::SUCCESS);
        assert_eq!(ending(Err(anyhow::anyhow!("the port is taken"))), ExitCode::FAILURE);
    }

    #[test]
    fn only_what_a_person_must_mend_ends_with_64() {
        let application = || "orders".to_owned();
        let invalid = ConfigError::Invalid { application: application(), faults: Vec::new() };
        let nowhere = StoreUrl::parse("mysql://db/shop").expect_err("not an engine of ours");
        let lost = Typed::parse_from(["orders", "--registry", "consul"]).args.resolve();
        for error in
            [anyhow::Error::from(invalid), nowhere.into(), lost.expect_err("no address of a registry").into()]
        {
            assert_eq!(exit_code(&error.context("at the start")), ExitCode::from(64));
        }
        let unavailable = ConfigError::Unavailable {
            application: application(),
            server: "http://127.0.0.1:1".into(),
            waited_s: 30,
            reason: "it cannot be reached".into(),
            copy: "config/orders.json".into(),
        };
        for error in [
            unavailable.into(),
            ConfigError::Stopped { application: application() }.into(),
            anyhow::anyhow!("the port is taken"),
        ] {
            assert_eq!(exit_code(&error), ExitCode::FAILURE, "{error}");
        }
    }
}
