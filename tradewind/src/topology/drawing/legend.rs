//! What the lines and signs of a picture mean: those that are in it, and no others.

use wires::WireKind;

use super::shapes::Point;
use crate::topology::{Database, Edge, Events, Topology, Way};

/// Where the two columns of the legend begin.
const COLUMNS: [i32; 2] = [24, 372];
/// From one line of it to the next.
const ROW: i32 = 26;

/// A sign and its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub at: Point,
    pub sign: Sign,
    pub meaning: &'static str,
}

/// What is explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Call(Way),
    Events,
    Database(Database),
}

/// The legend of `topology`, from `top` on.
pub(super) fn entries(topology: &Topology, edges: &[Edge], top: i32) -> Vec<Entry> {
    // clients come over the public wires, wherever the modules are
    let mut ways: Vec<Way> = edges.iter().map(|edge| edge.way).chain([Way::Public]).collect();
    ways.sort_unstable();
    ways.dedup();
    let calls = ways.into_iter().map(|way| (Sign::Call(way), meaning(way)));
    let events = match topology.events() {
        Events::InProcess => "events, from outbox to inbox in the process",
        Events::Broker => "events, from outbox to inbox by the broker",
    };
    let database = match topology.database {
        Database::Shared => "tables in the one database",
        Database::Own => "a database of its own",
    };
    let signs = calls.chain([(Sign::Events, events), (Sign::Database(topology.database), database)]);
    let rows = (top..).step_by(ROW.unsigned_abs() as usize);
    let places = rows.flat_map(|y| COLUMNS.map(|x| Point { x, y }));
    signs.zip(places).map(|((sign, meaning), at)| Entry { at, sign, meaning }).collect()
}

fn meaning(way: Way) -> &'static str {
    match way {
        Way::Over(WireKind::Local) => "local: a plain call in the process",
        Way::Over(WireKind::Rest) => "rest: JSON over HTTP",
        Way::Over(WireKind::Grpc) => "grpc: protocol buffers over HTTP/2",
        Way::Over(WireKind::Amqp) => "amqp: JSON by messages through the broker",
        Way::Public => "public: REST or gRPC, as the client speaks",
    }
}
