//! The server as a program of its own: arguments, listener, signals.

use std::path::{Path, PathBuf};

use anyhow::Context;
use chassis::process::{run_standalone, signalled, unless_stopped};
use chassis::store::StoreUrl;
use clap::Parser;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{Config, ConfigServer};

/// Serves the configuration files of a folder, and the changes made to them at run time.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "config-server",
    after_help = "Example: config-server --files config --data data/config-server"
)]
pub struct Arguments {
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1:8888")]
    pub listen: String,
    /// The folder with application.toml, <application>.toml, <application>-<profile>.toml.
    #[arg(long, value_name = "DIR")]
    pub files: PathBuf,
    /// The folder for runtime changes and last known good files.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// The file with the operator token; without it nobody can change anything.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Where runtime changes are kept (postgres://… for a server's database); a file in the data folder otherwise.
    #[arg(long, value_name = "URL")]
    pub store: Option<String>,
    /// A name under which other machines reach this server; may be repeated.
    #[arg(long, value_name = "NAME")]
    pub allow_host: Vec<String>,
}

/// Runs the server until SIGTERM or Ctrl-C.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let config = Config {
        token: arguments.token_file.as_deref().map(read_token).transpose()?,
        database: arguments.store.as_deref().map(StoreUrl::parse).transpose()?,
        hosts: arguments.allow_host,
        ..Config::new(arguments.files, arguments.data)
    };
    let shutdown = signalled();
    let server = unless_stopped(&shutdown, async { Ok(ConfigServer::open(config).await?) }).await?;
    let address = &arguments.listen;
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}; choose another address with --listen"))?;
    serve(server, listener, shutdown).await
}

/// Serves until `shutdown`, then finishes what is under way.
pub async fn serve(
    server: ConfigServer,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let (routes, stopped) = (server.router(), shutdown.clone());
    run_standalone(routes, listener, shutdown, async move { server.run(stopped).await }).await
}

fn read_token(path: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("the token file {} cannot be read", path.display()))?;
    let token = text.trim();
    anyhow::ensure!(!token.is_empty(), "the token file {} is empty", path.display());
    Ok(token.to_owned())
}
