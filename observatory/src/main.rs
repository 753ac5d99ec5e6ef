//! The observatory by itself: `cargo run -p observatory`.
use std::net::SocketAddr;

use anyhow::Context as _;
use clap::Parser;
use observatory::clock::SystemClock;
use observatory::{Limits, Listeners};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Takes in OpenTelemetry's traces and metrics, keeps what happened lately in memory, and shows it.
#[derive(Parser)]
#[command(after_help = "\
Examples:
  Where every sender looks for it, with pages at http://127.0.0.1:16686:
    observatory
  Beside another collector, on any free ports, which the log names:
    observatory --grpc 127.0.0.1:0 --http 127.0.0.1:0 --pages 127.0.0.1:0
  A program that sends its traces there:
    OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 OTEL_SERVICE_NAME=mine ./mine")]
struct Arguments {
    /// Where OTLP comes by gRPC; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4317")]
    grpc: SocketAddr,
    /// Where OTLP comes by HTTP
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4318")]
    http: SocketAddr,
    /// Where the pages are, and Jaeger's query API
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:16686")]
    pages: SocketAddr,
    /// A name by which the pages may be asked for, besides localhost and addresses; several with commas
    #[arg(long = "host", value_name = "NAME", value_delimiter = ',')]
    hosts: Vec<String>,
}

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let Arguments { grpc, http, pages, hosts } = Arguments::parse();
    let (grpc, http, pages) =
        tokio::try_join!(listen("--grpc", grpc), listen("--http", http), listen("--pages", pages))?;
    let listeners = Listeners { grpc, http, pages };
    let observatory = observatory::embedded(Limits::default(), SystemClock, hosts);
    Ok(observatory.serve(listeners, ended()?).await?)
}

async fn listen(option: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).await.with_context(|| {
        let other = SocketAddr::new(address.ip(), 0);
        format!("cannot listen on {address}; another collector may be there: try {option} {other}")
    })?;
    tracing::info!(address = %listener.local_addr()?, "listening ({option})");
    Ok(listener)
}

/// Fires at the first SIGTERM or Ctrl-C.
fn ended() -> std::io::Result<CancellationToken> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let ended = CancellationToken::new();
    let fired = ended.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        fired.cancel();
    });
    Ok(ended)
}
