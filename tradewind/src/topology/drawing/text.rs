//! A topology for a terminal of 80 columns.

use wires::WireKind;

use crate::text;
use crate::topology::{Database, Edge, Events, Part, ProcessSpec, Topology, part};

const COLUMNS: usize = 80;
/// What stands between two columns of a table.
const GAP: usize = 2;

/// Processes and their modules, what stands around them, and the way of every call.
pub fn as_text(topology: &Topology, wires: impl Fn(Part, Part) -> WireKind) -> String {
    let heading = wrapped(&format!("{}: {}", topology.name, topology.about), COLUMNS).join("\n");
    let edges = topology.edges(wires);
    let parts = [processes(&topology.processes), surroundings(topology), calls(&edges)];
    format!("{}\n\n{}", heading.trim_end_matches([':', ' ']), parts.join("\n"))
}

fn processes(processes: &[ProcessSpec]) -> String {
    let names = processes.iter().map(|process| process.name.len()).max().unwrap_or(0).max("process".len());
    let width = COLUMNS - names - GAP - "replicas".len() - GAP;
    let mut rows = vec![text::row(["process", "replicas", "modules"])];
    for ProcessSpec { name, modules, replicas } in processes {
        let list = part::list(modules.iter().copied());
        let head = [name.clone(), replicas.to_string()];
        let heads = std::iter::once(head).chain(std::iter::repeat(Default::default()));
        rows.extend(
            heads.zip(wrapped(&list, width)).map(|([name, replicas], list)| vec![name, replicas, list]),
        );
    }
    text::table(&rows)
}

fn surroundings(topology: &Topology) -> String {
    let said = part::list(Part::all().into_iter().filter(|part| part.says()));
    let deaf = part::list(Part::all().into_iter().filter(|part| part.hears() && !part.says()));
    let events = match topology.events() {
        Events::InProcess => "from outbox to inbox within the process",
        Events::Broker => "through the broker",
    };
    let keeping = part::list(Part::all().into_iter().filter(|part| part.has_database()));
    let databases = match topology.database {
        Database::Shared => format!("one, shared by {keeping}"),
        Database::Own => format!("one each: {keeping}"),
    };
    let facts = [
        ("beside them", topology.servers().join(", ")),
        ("databases", databases),
        ("events", format!("{events}; said and heard by {said}; heard by {deaf}")),
    ];
    let width = COLUMNS - "beside them".len() - GAP;
    let mut rows = Vec::new();
    for (name, fact) in facts {
        let names = std::iter::once(name).chain(std::iter::repeat(""));
        rows.extend(names.zip(wrapped(&fact, width)).map(|(name, fact)| text::row([name, &fact])));
    }
    text::table(&rows)
}

fn calls(edges: &[Edge]) -> String {
    let mut rows = vec![text::row(["caller", "callee", "wire"])];
    rows.extend(
        edges
            .iter()
            .map(|Edge { caller, callee, way }| text::row([caller.name(), callee.name(), &way.to_string()])),
    );
    text::table(&rows)
}

/// A text in lines of at most `width` characters, broken at spaces. A word that is longer has its line to itself.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::topology::samples::any_topology;
    use crate::topology::usual_wire;

    #[test]
    fn a_topology_is_told_in_three_tables() {
        let here = std::path::Path::new("/nowhere");
        let topology = Topology::find("step-4-payments", here).expect("it is built in");
        let expected = "\
step-4-payments: Payments run by themselves, called over gRPC.

process          replicas  modules
shop             1         gateway, catalog, inventory, shipping, orders
payments         1         payments
notifications    1         notifications
recommendations  1         recommendations

beside them  config-server, card-network, observatory, registry, broker
databases    one each: catalog, inventory, payments, shipping, orders,
             notifications, recommendations
events       through the broker; said and heard by inventory, payments,
             shipping, orders; heard by notifications, recommendations

caller   callee           wire
gateway  catalog          local
gateway  inventory        local
gateway  payments         public
gateway  shipping         local
gateway  orders           local
gateway  notifications    public
gateway  recommendations  public
orders   catalog          local
orders   inventory        local
orders   payments         grpc
orders   shipping         local
";
        assert_eq!(as_text(&topology, usual_wire), expected);
    }

    proptest! {
        #[test]
        fn it_fits_a_terminal_and_names_every_module(topology in any_topology()) {
            let text = as_text(&topology, usual_wire);
            prop_assert!(text.lines().all(|line| line.chars().count() <= COLUMNS), "{}", text);
            let (processes, _) = text.split_once("\nbeside them").expect("it follows");
            let words: Vec<_> = processes.split([' ', ',', '\n']).collect();
            prop_assert!(Part::all().iter().all(|part| words.contains(&part.name())), "{}", text);
        }
    }
}
