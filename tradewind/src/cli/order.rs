//! The arguments of `order`.

use std::time::Duration;

use clap::Args;
use contracts::orders::Coordination;

use super::ShopArgs;

/// Places orders.
#[derive(Debug, Clone, Args)]
pub struct OrderArgs {
    /// Which shop.
    #[command(flatten)]
    pub shop: ShopArgs,
    /// The product
    #[arg(long, default_value = "KIT-0001")]
    pub sku: String,
    /// How many of it
    #[arg(long, default_value_t = 1)]
    pub quantity: u32,
    /// The card to pay with; card-network/README.md lists the test cards
    #[arg(long, value_name = "TOKEN", default_value = "tok_approve")]
    pub card: String,
    /// Who orders
    #[arg(long, value_name = "NAME", default_value = "demo")]
    pub customer: String,
    /// Who drives the order: sync, orchestrated or choreographed; as configured when not given
    #[arg(long, value_name = "NAME", value_parser = coordination)]
    pub coordination: Option<Coordination>,
    /// How long to wait for each order to end, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub patience: u64,
    /// How many orders to place
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub count: u32,
    /// How many of them at the same time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub concurrency: u16,
    /// Place one order after another, of all sorts, until told to stop (Ctrl-C, SIGTERM); a line every 10 s says how
    /// they ended, and where nobody reads it any more it stops, too
    #[arg(
        long,
        conflicts_with_all = ["sku", "quantity", "card", "customer", "patience", "count", "concurrency"]
    )]
    pub endless: bool,
    /// How long to wait between two orders of `--endless`: 500ms, 2s; not less than 100ms while nobody answers
    #[arg(long, value_name = "TIME", default_value = "500ms", value_parser = time, requires = "endless")]
    pub pause: Duration,
    /// Print JSON; with `--endless` a document a line
    #[arg(long)]
    pub json: bool,
}

/// What somebody means by the name of a coordination.
fn coordination(text: &str) -> Result<Coordination, String> {
    Coordination::parse(text).ok_or_else(|| {
        let names: Vec<_> = Coordination::ALL.into_iter().map(Coordination::as_str).collect();
        format!("it is one of {}", names.join(", "))
    })
}

/// A time as people write it: `500ms`, `2s`.
fn time(text: &str) -> Result<Duration, String> {
    let parsed = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(millis), _) => millis.parse().ok().map(Duration::from_millis),
        (None, Some(seconds)) => seconds.parse().ok().map(Duration::from_secs),
        (None, None) => None,
    };
    parsed.ok_or_else(|| "it is a whole number of ms or s, such as 500ms or 2s".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command, Errand};

    fn parsed(words: &[&str]) -> Option<OrderArgs> {
        match Cli::try_parse_from([&["tradewind", "order"], words].concat()).ok()?.command {
            Some(Command::Errand(Errand::Order(args))) => Some(args),
            _ => None,
        }
    }

    #[test]
    fn a_time_has_a_unit() {
        assert_eq!(time("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(time("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(time("0s"), Ok(Duration::ZERO));
        for bad in ["", "s", "ms", "500", "-1s", "1.5s", "2 s", "1m"] {
            assert!(time(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn endless_orders_are_of_all_sorts_and_nobody_counts_them() {
        let args = parsed(&["--endless", "--pause", "2s", "--coordination", "sync"]).expect("it makes sense");
        assert_eq!((args.endless, args.pause), (true, Duration::from_secs(2)));
        for other in ["--count", "--concurrency", "--quantity", "--patience"] {
            assert!(parsed(&["--endless", other, "2"]).is_none(), "{other}");
        }
        for other in ["--sku", "--card", "--customer"] {
            assert!(parsed(&["--endless", other, "tok_slow"]).is_none(), "{other}");
        }
        assert!(parsed(&["--pause", "2s"]).is_none(), "between which orders?");
        assert!(parsed(&[]).is_some_and(|args| !args.endless));
    }
}
