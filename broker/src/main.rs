//! The broker by itself: `cargo run -p broker -- --data DIR`.
use std::net::SocketAddr;

use broker::{Broker, Config, Users};
use clap::Parser;
use tokio_util::sync::CancellationToken;

/// A message broker that speaks AMQP 0-9-1, for whoever needs one on a laptop or in a test.
#[derive(Parser)]
#[command(
    after_help = "Example:\n  broker --listen 127.0.0.1:5672 --data broker-data --http 127.0.0.1:15672"
)]
struct Arguments {
    /// Where clients connect; port 0 takes any free one
    #[arg(long, default_value = "127.0.0.1:5672")]
    listen: SocketAddr,
    /// The folder for durable queues and messages
    #[arg(long, default_value = "broker-data")]
    data: std::path::PathBuf,
    /// Where GET /status tells how it is doing; nowhere when not given
    #[arg(long)]
    http: Option<SocketAddr>,
    /// Who may come in, as NAME:PASSWORD, in the place of guest from this machine; several with commas
    #[arg(long, env = "BROKER_USERS", hide_env_values = true, value_delimiter = ',', value_parser = user)]
    users: Vec<(String, String)>,
}

fn user(text: &str) -> Result<(String, String), String> {
    let user = text.split_once(':').map(|(name, password)| (name.to_owned(), password.to_owned()));
    user.ok_or_else(|| "a user is NAME:PASSWORD".to_owned())
}

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let Arguments { listen, data, http, users } = Arguments::parse();
    let users = if users.is_empty() { Users::default() } else { Users::only(users) };
    let broker = Broker::open(Config { users, ..Config::new(data) })?;
    let listener = tokio::net::TcpListener::bind(listen).await?;
    tracing::info!(address = %listener.local_addr()?, "listening");
    if let Some(http) = http {
        let listener = tokio::net::TcpListener::bind(http).await?;
        tokio::spawn(axum::serve(listener, broker.routes()).into_future());
    }
    broker.serve(listener, ended()?).await
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
