//! The arguments of `trace`.

use std::str::FromStr;

use clap::Args;
use contracts::OrderId;
use uuid::Uuid;

use super::ShopArgs;

/// Shows traces.
#[derive(Debug, Args)]
pub struct TraceArgs {
    /// Which shop.
    #[command(flatten)]
    pub shop: ShopArgs,
    /// The order, whose traces its timeline names; or one trace, by its 32 hexadecimal digits
    #[arg(value_name = "ORDER|TRACE")]
    pub of: Traced,
    /// Ask whoever speaks Jaeger's query API here, instead of the shop's observatory
    #[arg(long, value_name = "URL", env = "TRADEWIND_JAEGER")]
    pub jaeger: Option<String>,
    /// Show the log lines, each in the span in which it was written
    #[arg(long)]
    pub logs: bool,
    /// Show each statement of a database in a line of its own
    #[arg(long)]
    pub statements: bool,
    /// How long to wait for spans that are still on their way, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 6, value_parser = clap::value_parser!(u64).range(0..=60))]
    pub wait: u64,
    /// Print JSON, as Jaeger's query API has it
    #[arg(long)]
    pub json: bool,
}

/// What was traced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traced {
    /// All traces of an order.
    Order(OrderId),
    /// One trace.
    Trace(u128),
}

/// How many digits the id of a trace has. An order's has hyphens between them.
const DIGITS: usize = 32;

impl FromStr for Traced {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() == DIGITS && text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            let id = u128::from_str_radix(text, 16).ok().filter(|id| *id != 0);
            return id.map(Self::Trace).ok_or("no trace has this id: it is all zeros");
        }
        let order = Uuid::try_parse(text).ok().map(|id| Self::Order(OrderId(id)));
        order.ok_or(
            "name an order, such as 01890a5d-ac96-774b-bcce-b302099a8057, or a trace by 32 hexadecimal digits",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_has_hyphens_and_a_trace_has_none() {
        let order = "01890a5d-ac96-774b-bcce-b302099a8057";
        assert_eq!(order.parse(), Ok(Traced::Order(OrderId(Uuid::try_parse(order).expect("an id")))));
        assert_eq!(
            "4BF92f3577b34da6a3ce929d0e0e4736".parse(),
            Ok(Traced::Trace(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736))
        );
        for bad in ["", "ORDER", "4bf92f35", &"0".repeat(32), &"+".repeat(32), &"é".repeat(16)] {
            assert!(bad.parse::<Traced>().is_err(), "{bad}");
        }
    }
}
