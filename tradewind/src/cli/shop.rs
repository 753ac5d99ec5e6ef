//! The arguments that say which shop is meant.

use std::ffi::OsString;
use std::path::PathBuf;

use chassis::process::given;
use clap::Args;

/// Where the options stand in the help that tell of a shop elsewhere.
const ELSEWHERE: &str = "A shop that `up` does not run, in containers say";

/// The data folder of a shop.
#[derive(Debug, Clone, Args)]
pub struct FolderArgs {
    /// The data folder of the shop
    #[arg(long, value_name = "FOLDER", default_value = FolderArgs::USUAL_DATA, env = "TRADEWIND_DATA")]
    pub data: PathBuf,
}

impl FolderArgs {
    /// The data folder when none is named.
    pub const USUAL_DATA: &str = ".tradewind";
}

/// Which shop.
#[derive(Debug, Clone, Args)]
pub struct ShopArgs {
    /// The one that `up` runs on a data folder.
    #[command(flatten)]
    pub folder: FolderArgs,
    /// One elsewhere, where its gateway is named.
    #[command(flatten)]
    pub elsewhere: ElsewhereArgs,
}

impl ShopArgs {
    /// The shop that `up` runs on `data`.
    pub fn on(data: PathBuf) -> Self {
        Self { folder: FolderArgs { data }, elsewhere: ElsewhereArgs::default() }
    }
}

/// Where a shop is that no `up` runs. Most of these have variables in the environment that `run` and `up` read as
/// well, and so only the gateway says that such a shop is meant. What is empty is not given.
#[derive(Debug, Clone, Default, Args)]
pub struct ElsewhereArgs {
    /// Its gateway; without it the shop is the one that `up` runs on the data folder, and the other options here mean
    /// nothing
    #[arg(long, value_name = "URL", env = "TRADEWIND_GATEWAY", help_heading = ELSEWHERE)]
    pub gateway: Option<String>,
    /// Its registry: http://HOST:PORT of a Consul; dns://{module}:9000 where modules are found by their names
    #[arg(long, value_name = "URL", env = "TRADEWIND_REGISTRY", help_heading = ELSEWHERE)]
    pub registry: Option<String>,
    /// The registry's token, where it asks for one; heeded for every shop
    #[arg(
        long,
        value_name = "TOKEN",
        env = "TRADEWIND_REGISTRY_TOKEN",
        hide_env_values = true,
        help_heading = ELSEWHERE
    )]
    pub registry_token: Option<String>,
    /// Where all its modules are: for a shop of one process without a registry
    #[arg(long, value_name = "HOST:PORT", env = "TRADEWIND_MODULES", help_heading = ELSEWHERE)]
    pub modules: Option<String>,
    /// Its config server
    #[arg(long, value_name = "URL", env = "TRADEWIND_CONFIG_SERVER", help_heading = ELSEWHERE)]
    pub config_server: Option<String>,
    /// Its observatory, or whoever else has its traces and speaks Jaeger's query API
    #[arg(long, value_name = "URL", env = "TRADEWIND_OBSERVATORY", help_heading = ELSEWHERE)]
    pub observatory: Option<String>,
    /// The file with its operator token, which changes need, and looking into its processes
    #[arg(long, value_name = "FILE", env = "TRADEWIND_OPERATOR_TOKEN_FILE", help_heading = ELSEWHERE)]
    pub operator_token_file: Option<OsString>,
    /// The operator token itself
    #[arg(
        long,
        value_name = "TOKEN",
        env = "TRADEWIND_OPERATOR_TOKEN",
        hide_env_values = true,
        help_heading = ELSEWHERE
    )]
    pub operator_token: Option<String>,
}

impl ElsewhereArgs {
    /// Whether such a shop is meant.
    pub fn is_meant(&self) -> bool {
        given(&self.gateway).is_some()
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::cli::{Cli, Command, Errand};

    #[test]
    fn options_of_a_shop_elsewhere_have_a_heading_of_their_own() {
        let cli = Cli::command();
        let status = cli.find_subcommand("status").expect("it is there");
        let heading = |id: &str| {
            let argument = status.get_arguments().find(|argument| argument.get_id() == id);
            argument.unwrap_or_else(|| panic!("no {id}")).get_help_heading()
        };
        let elsewhere = ["gateway", "registry", "registry_token", "modules", "config_server", "observatory"];
        for id in elsewhere.into_iter().chain(["operator_token_file", "operator_token"]) {
            assert_eq!(heading(id), Some(ELSEWHERE), "{id}");
        }
        assert_eq!([heading("data"), heading("json")], [None, None]);
    }

    #[test]
    fn secrets_of_the_environment_are_not_shown() {
        let cli = Cli::command();
        let status = cli.find_subcommand("status").expect("it is there");
        for id in ["registry_token", "operator_token"] {
            let argument =
                status.get_arguments().find(|argument| argument.get_id() == id).expect("it is there");
            assert!(argument.is_hide_env_values_set(), "{id}");
        }
    }

    #[test]
    fn each_command_that_asks_a_shop_can_ask_one_elsewhere() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        for words in [
            ["status"].as_slice(),
            &["order"],
            &["timeline", id],
            &["trace", id],
            &["stock", "KIT-0001"],
            &["audit"],
            &["config", "get", "orders"],
            &["wires"],
            &["wires", "set", "orders", "inventory", "grpc"],
            &["dead-letters", "list"],
            &["replay", "recommendations"],
            // to be told that nobody supervises it
            &["down"],
            &["stop", "payments"],
            &["start", "payments"],
            &["move", "--undo"],
        ] {
            let words = [&["tradewind"], words, &["--gateway", "http://gateway:8080"]].concat();
            if let Err(error) = Cli::try_parse_from(&words) {
                panic!("{words:?}: {error}");
            }
        }
    }

    #[test]
    fn what_is_empty_may_stand_there() {
        let words = ["tradewind", "status", "--gateway=", "--operator-token-file=", "--modules="];
        let cli = Cli::try_parse_from(words).expect("it parses");
        let Some(Command::Errand(Errand::Status(args))) = cli.command else {
            panic!("it is another command");
        };
        assert!(args.shop.elsewhere.gateway.is_some() && !args.shop.elsewhere.is_meant());
    }
}
