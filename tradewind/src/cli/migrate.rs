//! The arguments of `migrate`.

use std::path::PathBuf;

use chassis::store::Placement;
use clap::Args;

use crate::run::Role;

/// Brings tables up to date.
#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// Whose: modules, `config-server`, `card-network`; everybody's who keeps something when nobody is named
    #[arg(value_enum, value_name = "NAME")]
    pub roles: Vec<Role>,
    /// The databases: postgres://… or sqlite:FOLDER/{module}.db; SQLite in the data folder when not given
    #[arg(long, value_name = "URL", env = "TRADEWIND_STORE", hide_env_values = true)]
    pub store: Option<String>,
    /// In which database a module's data is that was never opened with this data folder
    #[arg(long, value_enum, value_name = "WHERE", default_value_t = Placement::Own, env = "TRADEWIND_PLACEMENT")]
    pub placement: Placement,
    /// The data folder of the shop
    #[arg(long, value_name = "FOLDER", default_value = ".tradewind", env = "TRADEWIND_DATA")]
    pub data: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
