//! `tradewind topology`: which there are, and what one looks like.

use std::collections::BTreeMap;

use ::wires::WireKind;
use anyhow::Context as _;
use serde::Serialize;

use super::wires::{self, EdgeReport};
use crate::cli::{TopologyCommand, TopologyListArgs, TopologyShowArgs};
use crate::client::Shop;
use crate::exit::Ending;
use crate::text;
use crate::topology::{Edge, Part, Topology, Way, drawing, usual_wire};

/// Shows topologies.
pub async fn topology(command: TopologyCommand) -> anyhow::Result<()> {
    match command {
        TopologyCommand::List(args) => list(&args),
        TopologyCommand::Show(args) => show(&args).await,
    }
}

fn list(args: &TopologyListArgs) -> anyhow::Result<()> {
    #[derive(Serialize)]
    struct Known {
        name: String,
        about: String,
    }
    let known: Vec<_> = Topology::built_in()
        .into_iter()
        .map(|topology| Known { name: topology.name, about: topology.about })
        .collect();
    if args.json {
        return super::print_json(&known);
    }
    let rows: Vec<_> = known.iter().map(|known| text::row([&known.name, &known.about])).collect();
    Ok(text::say(text::table(&rows))?)
}

async fn show(args: &TopologyShowArgs) -> anyhow::Result<()> {
    let here = std::env::current_dir().context("the current folder")?;
    let topology = match &args.topology {
        Some(name) => Topology::find(name, &here).map_err(|error| Ending::Usage(error.to_string()))?,
        None => as_it_runs(&Shop::find(&args.shop)?).await?,
    };
    match &args.svg {
        Some(file) => {
            std::fs::write(file, drawing::as_svg(&topology, usual_wire))
                .with_context(|| format!("{} cannot be written", file.display()))?;
            Ok(text::say(format_args!("{} is drawn in {}", topology.name, file.display()))?)
        }
        None if args.json => super::print_json(&Told::of(&topology)),
        None => Ok(text::say(drawing::as_text(&topology, usual_wire))?),
    }
}

/// A topology for programs: what its file says, and who calls whom in it.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    topology: &'a Topology,
    edges: Vec<Call>,
}

/// A call of one module by another.
#[derive(Serialize)]
struct Call {
    caller: Part,
    callee: Part,
    /// A wire, `local` within one process, or `public` where the gateway passes on what came in.
    way: String,
}

impl<'a> Told<'a> {
    fn of(topology: &'a Topology) -> Self {
        let edges = topology.edges(usual_wire).into_iter();
        let call = |Edge { caller, callee, way }| Call { caller, callee, way: way.to_string() };
        Self { topology, edges: edges.map(call).collect() }
    }
}

/// The topology of a running shop, with the wires that its calls take now, whatever its file said in the beginning.
async fn as_it_runs(shop: &Shop) -> anyhow::Result<Topology> {
    let mut topology = Topology { wires: BTreeMap::new(), ..shop.supervised()?.topology().await? };
    let in_use = wires::in_use(shop, &shop.status().await?).await?;
    let wire = |caller, callee| taken(&in_use, caller, callee).unwrap_or(usual_wire(caller, callee));
    for edge in topology.edges(wire) {
        if let Way::Over(wire @ (WireKind::Rest | WireKind::Grpc | WireKind::Amqp)) = edge.way {
            topology.wires.entry(edge.caller).or_default().insert(edge.callee, wire);
        }
    }
    Ok(topology)
}

/// The wire that an edge takes in the running shop.
fn taken(edges: &[EdgeReport], caller: Part, callee: Part) -> Option<WireKind> {
    let edge = edges.iter().find(|edge| edge.caller == caller.name() && edge.callee == callee.name())?;
    [WireKind::Rest, WireKind::Grpc, WireKind::Amqp].into_iter().find(|wire| wire.to_string() == edge.wire)
}
