//! The registry by itself: `cargo run -p registry -- --data DIR`.
use clap::Parser;
use registry::{Config, Registry};

/// A service registry that speaks Consul's HTTP API.
#[derive(Parser)]
struct Arguments {
    #[arg(long, default_value = "127.0.0.1:8500")]
    listen: std::net::SocketAddr,
    #[arg(long, default_value = "registry-data")]
    data: std::path::PathBuf,
    #[arg(long, env = "REGISTRY_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let Arguments { listen, data, token } = Arguments::parse();
    let registry = Registry::open(Config { token, ..Config::new(data) })?;
    let listener = tokio::net::TcpListener::bind(listen).await?;
    tracing::info!(address = %listener.local_addr()?, "listening");
    Ok(registry.serve(listener, registry::signalled()?).await?)
}
