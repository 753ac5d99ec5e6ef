//! Topologies for tests: any that is valid, and its file.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use wires::WireKind;

use super::edges::callees;
use super::{Database, Part, ProcessSpec, Supporting, Topology};

/// Any valid topology.
pub(super) fn any_topology() -> impl Strategy<Value = Topology> {
    let order = Just(Part::all().to_vec()).prop_shuffle();
    let homes = vec(0..8_usize, 8);
    let alone =
        (any::<bool>(), any::<bool>()).prop_map(|(registry, broker)| [registry, broker].map(supporting));
    let called = btree_map(prop::sample::select(callees(Part::Orders).collect::<Vec<_>>()), any_wire(), 0..4);
    let about = "[A-Za-z .<&>\"'\\\\ö×]{0,40}";
    (about, any::<bool>(), order, homes, vec((any_name(), 1..=8_u16), 8), alone, called).prop_map(
        |(about, shared, order, homes, specs, [registry, broker], called)| {
            let mut processes: Vec<ProcessSpec> = Vec::new();
            for (home, (name, replicas)) in specs.into_iter().enumerate() {
                let modules: Vec<_> =
                    order.iter().zip(&homes).filter(|(_, at)| **at == home).map(|(it, _)| *it).collect();
                let name =
                    if processes.iter().any(|other| other.name == name) { format!("p{home}") } else { name };
                if !modules.is_empty() {
                    processes.push(ProcessSpec { name, modules, replicas });
                }
            }
            let database = if shared { Database::Shared } else { Database::Own };
            let wires = if called.is_empty() { Default::default() } else { [(Part::Orders, called)].into() };
            let mut topology =
                Topology { name: "any".into(), about, database, registry, broker, processes, wires };
            let amqp = topology
                .wires
                .values()
                .flat_map(|callees| callees.values())
                .any(|wire| *wire == WireKind::Amqp);
            if !topology.is_one_process() {
                topology.registry = Supporting::Runs;
            }
            if !topology.is_one_process() || amqp {
                topology.broker = Supporting::Runs;
            }
            topology
        },
    )
}

fn any_wire() -> impl Strategy<Value = WireKind> {
    prop::sample::select(vec![WireKind::Rest, WireKind::Grpc, WireKind::Amqp])
}

fn any_name() -> impl Strategy<Value = String> {
    let reserved = ["registry", "broker", "config-server", "card-network", "observatory"];
    "[a-z][a-z0-9-]{0,38}[a-z0-9]".prop_filter("reserved", move |name| !reserved.contains(&name.as_str()))
}

fn supporting(runs: bool) -> Supporting {
    if runs { Supporting::Runs } else { Supporting::Absent }
}

/// A file that describes `topology`.
pub(super) fn file_of(topology: &Topology) -> String {
    let Topology { about, database, registry, broker, processes, wires, .. } = topology;
    let database = if *database == Database::Shared { "shared" } else { "own" };
    let [registry, broker] = [registry, broker].map(|server| *server == Supporting::Runs);
    let about = toml::Value::from(about.as_str());
    let mut text =
        format!("about = {about}\ndatabase = {database:?}\nregistry = {registry}\nbroker = {broker}\n");
    text.push_str("[processes]\n");
    for ProcessSpec { name, modules, replicas } in processes {
        let modules: Vec<_> = modules.iter().map(|part| part.name()).collect();
        match replicas {
            1 => text.push_str(&format!("{name} = {modules:?}\n")),
            _ => text.push_str(&format!("{name} = {{ modules = {modules:?}, replicas = {replicas} }}\n")),
        }
    }
    for (caller, callees) in wires {
        text.push_str(&format!("[wires.{caller}]\n"));
        callees.iter().for_each(|(callee, wire)| text.push_str(&format!("{callee} = \"{wire}\"\n")));
    }
    text
}
