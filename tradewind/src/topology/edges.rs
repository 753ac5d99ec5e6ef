//! What modules say to each other wherever they live: who calls whom, and who says and hears events. A
//! topology changes the way of a call, never whether there is one.

use std::fmt;

use wires::WireKind;

use super::Part;

/// Who calls whom. The gateway calls what a public route goes to (`gateway/src/routes/public.rs`), every other
/// module the ports that it asks its `wires::Edges` for (`services/*/src/lib.rs`).
const EDGES: [(Part, Part); 11] = [
    (Part::Gateway, Part::Catalog),
    (Part::Gateway, Part::Inventory),
    (Part::Gateway, Part::Payments),
    (Part::Gateway, Part::Shipping),
    (Part::Gateway, Part::Orders),
    (Part::Gateway, Part::Notifications),
    (Part::Gateway, Part::Recommendations),
    (Part::Orders, Part::Catalog),
    (Part::Orders, Part::Inventory),
    (Part::Orders, Part::Payments),
    (Part::Orders, Part::Shipping),
];

/// Who calls whom, as (caller, callee).
pub fn edges() -> impl Iterator<Item = (Part, Part)> {
    EDGES.into_iter()
}

/// Whom `caller` calls.
pub fn callees(caller: Part) -> impl Iterator<Item = Part> {
    edges().filter(move |(from, _)| *from == caller).map(|(_, callee)| callee)
}

impl Part {
    /// Whether it publishes events, through its outbox.
    pub fn says(self) -> bool {
        matches!(self, Self::Inventory | Self::Payments | Self::Shipping | Self::Orders)
    }

    /// Whether it consumes events, commands or replies: it has a queue in `contracts/src/messages/queues.rs`, or
    /// reads the log of all events.
    pub fn hears(self) -> bool {
        self.says() || matches!(self, Self::Notifications | Self::Recommendations)
    }
}

/// How a call gets from one module to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Over a wire; [`WireKind::Local`] within one process.
    Over(WireKind),
    /// Passed on to another process by the gateway, over REST or gRPC, as its client speaks. No configuration
    /// chooses between them.
    Public,
}

impl Way {
    /// The plain call within one process.
    pub const LOCAL: Self = Self::Over(WireKind::Local);
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Over(wire) => wire.fmt(f),
            Self::Public => f.write_str("public"),
        }
    }
}

/// The wire that an edge takes which neither a file nor a running shop says anything about: that of
/// `config/application.toml`.
pub fn usual_wire(caller: Part, callee: Part) -> WireKind {
    match (caller, callee) {
        (Part::Orders, Part::Payments) => WireKind::Grpc,
        _ => WireKind::Rest,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_gateway_calls_everybody_and_nobody_calls_it() {
        assert_eq!(callees(Part::Gateway).count(), 7);
        assert!(edges().all(|(caller, callee)| callee != Part::Gateway && caller != callee));
    }

    #[test]
    fn the_usual_wires_are_those_of_the_configuration_files() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/application.toml");
        let text = std::fs::read_to_string(file).expect("it is there");
        let configuration: toml::Table = text.parse().expect("it is valid");
        for callee in callees(Part::Orders) {
            let configured = configuration["wires"]["orders"][callee.name()].as_str();
            assert_eq!(configured, Some(usual_wire(Part::Orders, callee).to_string().as_str()), "{callee}");
        }
    }

    #[test]
    fn who_says_something_hears_something() {
        let deaf: Vec<_> = Part::all().into_iter().filter(|part| !part.hears()).collect();
        assert_eq!(deaf, [Part::Gateway, Part::Catalog]);
    }

    #[test]
    fn the_gateways_edges_are_its_public_routes() {
        let routes: BTreeSet<_> =
            gateway::routes::public_api().into_iter().map(|route| route.service).collect();
        assert_eq!(routes, callees(Part::Gateway).map(|part| part.name().to_owned()).collect());
    }

    #[test]
    fn whoever_has_a_queue_hears() {
        for queue in contracts::messages::queues::QUEUES {
            assert!(Part::named(queue.module).is_some_and(Part::hears), "{}", queue.name);
        }
    }
}
