//! The arguments of `migrate`.

use chassis::store::Placement;
use clap::Args;

use super::FolderArgs;
use crate::run::Role;

/// Brings tables up to date.
#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// Whose: modules, `config-server`, `card-network`; everybody's who has tables when nobody is named. The log of
    /// events, which recommendations keep where there is no broker, is made when they start
    #[arg(value_enum, value_name = "NAME")]
    pub roles: Vec<Role>,
    /// The databases: postgres://… or sqlite:FOLDER/{module}.db; SQLite in the data folder when not given
    #[arg(long, value_name = "URL", env = "TRADEWIND_STORE", hide_env_values = true)]
    pub store: Option<String>,
    /// In which database a module's data is that was never opened with this data folder
    #[arg(long, value_enum, value_name = "WHERE", default_value_t = Placement::Own, env = "TRADEWIND_PLACEMENT")]
    pub placement: Placement,
    /// Which shop.
    #[command(flatten)]
    pub shop: FolderArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
