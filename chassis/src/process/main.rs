//! The `main` of a process: runtime, signals, exit code.

use std::process::ExitCode;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Bootstrap, Module, Platform, run};
use crate::config::ConfigError;
use crate::telemetry::logs;

/// The whole of a service's `main`: runs `assemble`'s modules until SIGTERM or Ctrl-C.
pub fn main(
    arguments: super::Args,
    assemble: impl AsyncFnOnce(&Platform) -> anyhow::Result<Vec<Module>>,
) -> ExitCode {
    block_on(async {
        let bootstrap = arguments.resolve()?;
        let listener = listen(&bootstrap).await?;
        run(bootstrap, listener, signalled(), assemble).await
    })
}

/// Starts logging and the runtime, drives `life` to its end and turns that into an exit code: 64 for a
/// fault in the configuration (sysexits.h, EX_USAGE), 1 for anything else.
pub fn block_on(life: impl Future<Output = anyhow::Result<()>>) -> ExitCode {
    logs::init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!("the runtime cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(life) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            if error.downcast_ref::<ConfigError>().is_some() { ExitCode::from(64) } else { ExitCode::FAILURE }
        }
    }
}

async fn listen(bootstrap: &Bootstrap) -> anyhow::Result<TcpListener> {
    TcpListener::bind(bootstrap.listen).await.with_context(|| {
        format!(
            "cannot listen on {}: choose another address with --listen, or port 0 for any",
            bootstrap.listen
        )
    })
}

/// Fires at the first SIGTERM or Ctrl-C.
pub fn signalled() -> CancellationToken {
    let token = CancellationToken::new();
    let fired = token.clone();
    tokio::spawn(async move {
        let mut terminate = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(signal) => signal,
            Err(error) => return tracing::error!("SIGTERM cannot be heard: {error}"),
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        fired.cancel();
    });
    token
}
