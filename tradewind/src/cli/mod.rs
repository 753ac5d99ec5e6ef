//! The arguments, as typed.

mod change;
mod messages;
mod migrate;
mod order;
mod probe;
mod shop;
mod topology;
mod trace;
mod up;

use clap::{Args, Parser, Subcommand};

use crate::exit;

pub use change::{
    ApplicationArgs, ConfigCommand, ConfigGetArgs, ConfigHistoryArgs, ConfigRollbackArgs, ConfigSetArgs,
    Wire, WiresArgs, WiresCommand, WiresSetArgs,
};
pub use messages::{
    DeadLetterArgs, DeadLettersCommand, DeadLettersListArgs, ReadModel, RedriveArgs, ReplayArgs,
};
pub use migrate::MigrateArgs;
pub use order::OrderArgs;
pub use probe::ProbeArgs;
pub use shop::{ElsewhereArgs, FolderArgs, ShopArgs};
pub use topology::{MoveArgs, TopologyCommand, TopologyListArgs, TopologyShowArgs};
pub use trace::{TraceArgs, Traced};
pub use up::{ObservatoryArgs, Ports, RunArgs, UpArgs};

/// An online shop that runs as a monolith, as microservices, or as anything between. Without a command: `up`.
#[derive(Debug, Parser)]
#[command(name = "tradewind", version, after_help = exit::HELP, max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What `tradewind` alone means.
pub fn up_as_usual() -> Command {
    Command::Up(UpArgs::parse_from_nothing())
}

/// What the command can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the shop, and keep it running: each service a process of its own, unless another topology is named
    #[command(
        after_help = "Examples:\n  tradewind up\n  tradewind up --topology monolith\n  tradewind up --ports auto --data /tmp/second-shop\n  tradewind up --broker amqp://guest:guest@localhost:5672\n  tradewind up --otlp http://127.0.0.1:4317\n  tradewind up --store postgres://shop:secret@localhost/tradewind --registry http://127.0.0.1:8500"
    )]
    Up(UpArgs),
    /// Whatever ends by itself.
    #[command(flatten)]
    Errand(Errand),
    /// Run one process of the shop: a supporting server, or one or several modules; `up` does this for each
    #[command(
        after_help = "Examples:\n  tradewind run catalog inventory --listen 127.0.0.1:9000\n  tradewind run inventory --listen 127.0.0.1:9001 --registry http://127.0.0.1:8500 --config-server http://127.0.0.1:8888"
    )]
    Run(Box<RunArgs>),
}

/// What is done for a shop, or asked of one, and then is over.
#[derive(Debug, Subcommand)]
pub enum Errand {
    /// Stop the running shop: requests under way are finished first
    #[command(after_help = "Example:\n  tradewind down")]
    Down(ShopArgs),
    /// Stop one service of the running shop, or its broker, to see what the others do without it
    #[command(after_help = "Examples:\n  tradewind stop payments\n  tradewind stop broker")]
    Stop(ProcessArgs),
    /// Start a service again that was stopped
    #[command(after_help = "Example:\n  tradewind start payments")]
    Start(ProcessArgs),
    /// Show the processes of the running shop and the broker's queues: where they are, what they use, how they do
    #[command(
        after_help = "Examples:\n  tradewind status --json | jq '.totals'\n  tradewind status --gateway http://gateway:8080 --registry http://consul:8500"
    )]
    Status(StatusArgs),
    /// Place orders through the gateway and show what became of them
    #[command(
        after_help = "Examples:\n  tradewind order\n  tradewind order --card tok_decline\n  tradewind order --coordination choreographed\n  tradewind order --count 500 --concurrency 16\n  tradewind order --endless --pause 200ms\n\nExit code 0 only when every order was confirmed; of `--endless` when it was told to stop."
    )]
    Order(OrderArgs),
    /// Show every step of an order
    #[command(after_help = "Example:\n  tradewind timeline 01890a5d-ac96-774b-bcce-b302099a8057")]
    Timeline(TimelineArgs),
    /// Show where the time of an order went: its traces, as the observatory has them
    #[command(
        after_help = "Examples:\n  tradewind trace 01890a5d-ac96-774b-bcce-b302099a8057\n  tradewind trace 01890a5d-ac96-774b-bcce-b302099a8057 --statements --logs\n  tradewind trace 4bf92f3577b34da6a3ce929d0e0e4736 --jaeger http://127.0.0.1:16686\n\n✗ marks what failed. Exit code 0 only when every trace was found."
    )]
    Trace(TraceArgs),
    /// Show how much of a product there is
    #[command(after_help = "Example:\n  tradewind stock KIT-0001")]
    Stock(StockArgs),
    /// Check whether the books of all services agree: stock, ledger, card network, shipments, orders, messages
    #[command(
        after_help = "Example:\n  tradewind audit --wait 30\n\nExit code 0 only when nothing is wrong."
    )]
    Audit(AuditArgs),
    /// Look at the configuration of the running shop, and change it
    #[command(subcommand, after_help = "Example:\n  tradewind config get orders")]
    Config(ConfigCommand),
    /// Show which wire each call between services takes, or change it while the shop runs
    #[command(
        args_conflicts_with_subcommands = true,
        after_help = "Examples:\n  tradewind wires\n  tradewind wires set orders inventory grpc"
    )]
    Wires(Box<WiresArgs>),
    /// Look at messages that nobody could deal with; send them again, or drop them
    #[command(subcommand, after_help = "Example:\n  tradewind dead-letters list")]
    DeadLetters(DeadLettersCommand),
    /// Build a read model anew from the log of events, while orders go on
    #[command(
        after_help = "Example:\n  tradewind replay recommendations\n\nExit code 0 only when the new model gives the same answers as the old one."
    )]
    Replay(ReplayArgs),
    /// Change the running shop to another topology: no order is lost, no request fails
    #[command(
        after_help = "Examples:\n  tradewind move --to step-2-own-databases\n  tradewind move --to ./mine.toml\n  tradewind move --undo\n\nA move goes on when this command is killed. After a crash of the whole shop `move --to` goes on and `move --undo`\ntakes back. Exit code 0 only when the shop is where it was wanted."
    )]
    Move(MoveArgs),
    /// Look at topologies: which modules share a process
    #[command(subcommand, after_help = "Example:\n  tradewind topology show monolith")]
    Topology(TopologyCommand),
    /// Bring the tables of modules and servers up to date, before anybody starts who uses them; whoever starts does it for its own
    #[command(
        after_help = "Examples:\n  tradewind migrate --store postgres://shop:secret@localhost/tradewind_{module}\n  tradewind migrate orders payments"
    )]
    Migrate(MigrateArgs),
    /// Empty the data folder: every order, every change of configuration, every log
    #[command(after_help = "Example:\n  tradewind reset --yes")]
    Reset(ResetArgs),
    /// Ask a process whether it is ready: for health checks where there is no shell
    #[command(
        after_help = "Examples:\n  tradewind probe http://127.0.0.1:9000/readyz\n  tradewind probe --listen 0.0.0.0:9000\n\nExit code 0 when it answers 2xx within two seconds; 64 when no address that makes sense was given; otherwise 1.\nUnless it is 0, one line says why."
    )]
    Probe(ProbeArgs),
}

/// Names a service of a shop.
#[derive(Debug, Args)]
pub struct ProcessArgs {
    /// Which shop.
    #[command(flatten)]
    pub shop: ShopArgs,
    /// The service, or `broker`, as `status` shows it
    #[arg(value_name = "NAME")]
    pub process: String,
}

/// Shows the processes.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Which shop.
    #[command(flatten)]
    pub shop: ShopArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Shows an order's steps.
#[derive(Debug, Args)]
pub struct TimelineArgs {
    /// Which shop.
    #[command(flatten)]
    pub shop: ShopArgs,
    /// The order
    #[arg(value_name = "ORDER")]
    pub order: uuid::Uuid,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Shows a product's stock.
#[derive(Debug, Args)]
pub struct StockArgs {
    /// Which shop.
    #[command(flatten)]
    pub shop: ShopArgs,
    /// The product
    #[arg(value_name = "SKU")]
    pub sku: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Checks the books.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Which shop.
    #[command(flatten)]
    pub shop: ShopArgs,
    /// How long to wait for orders under way to come to rest, in seconds; those that are not at rest
    /// then are counted apart
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub wait: u64,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Empties the data folder.
#[derive(Debug, Args)]
pub struct ResetArgs {
    /// Which shop.
    #[command(flatten)]
    pub shop: FolderArgs,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn every_command(command: &clap::Command, visit: &mut impl FnMut(&clap::Command)) {
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            visit(sub);
            every_command(sub, visit);
        }
    }

    #[test]
    fn the_definitions_agree_with_each_other() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_help_has_an_example_that_parses() {
        every_command(&Cli::command(), &mut |command| {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let examples: Vec<_> = help.lines().filter_map(|line| line.strip_prefix("  tradewind")).collect();
            assert!(!examples.is_empty(), "{} has no example", command.get_name());
            for example in examples {
                let typed = example.split('|').next().unwrap_or(example);
                let words = ["tradewind"].into_iter().chain(typed.split_whitespace());
                assert!(Cli::try_parse_from(words).is_ok(), "the example does not parse: tradewind{example}");
            }
        });
    }

    #[test]
    fn whatever_a_program_might_read_comes_as_json_too() {
        let mut without = Vec::new();
        every_command(&Cli::command(), &mut |command| {
            let groups = command.get_subcommands().next().is_some() && command.get_name() != "wires";
            if !groups && !command.get_arguments().any(|argument| argument.get_id() == "json") {
                without.push(command.get_name().to_owned());
            }
        });
        without.sort();
        // what a probe has to say is its exit code
        assert_eq!(without, ["down", "probe", "reset", "run", "start", "stop"]);
    }

    #[test]
    fn no_command_is_up() {
        assert!(Cli::try_parse_from(["tradewind"]).expect("parses").command.is_none());
        assert!(matches!(up_as_usual(), Command::Up(UpArgs { ports: Ports::Usual, json: false, .. })));
    }

    #[test]
    fn wires_alone_shows_them() {
        let cli = Cli::try_parse_from(["tradewind", "wires", "--json", "--data", "x"]).expect("parses");
        let Some(Command::Errand(Errand::Wires(args))) = cli.command else { panic!("it is another command") };
        assert!(args.command.is_none() && args.show.json);
    }
}
