//! The arguments of the process.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use chassis::process::given;
use chassis::store::{StoreError, StoreUrl};

use crate::Config;

/// The arguments, as typed.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Where to listen; payments is told this address by its key card_network.url
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", env = "TRADEWIND_LISTEN")]
    pub listen: SocketAddr,
    /// The folder for everything this process keeps
    #[arg(long, value_name = "FOLDER", default_value = ".tradewind", env = "TRADEWIND_DATA")]
    pub data: PathBuf,
    /// The database: sqlite:FOLDER/{module}.db or postgres://…; SQLite in the data folder when not given
    #[arg(long, value_name = "URL", env = "TRADEWIND_STORE", hide_env_values = true)]
    pub store: Option<String>,
    /// How long tok_slow takes to approve, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = crate::Config::SLOW_MS)]
    pub slow_ms: u64,
    /// How long an answer hangs for tok_charge_then_time_out, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = crate::Config::HANG_MS)]
    pub hang_ms: u64,
}

impl Args {
    /// What the arguments say.
    pub fn config(&self) -> Result<Config, StoreError> {
        let store = match given(&self.store) {
            Some(url) => StoreUrl::parse(url)?,
            None => StoreUrl::sqlite_in(&self.data.join("db")),
        };
        Ok(Config {
            slow: Duration::from_millis(self.slow_ms),
            hang: Duration::from_millis(self.hang_ms),
            ..Config::new(store)
        })
    }
}
