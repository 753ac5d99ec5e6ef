//! From the text of a topology file to a topology, or to every fault at once.
//!
//! - `lines`: where in the text something stands
//! - [`faults`]: what is wrong, and where
//! - `draft`: what a file says, each thing with its line
//! - `read`: takes the draft out of the TOML: types, keys and names
//! - `rules`: what a draft must not say
//! - `nearest`: what somebody may have meant

mod draft;
pub mod faults;
mod lines;
mod nearest;
mod read;
mod rules;

#[cfg(test)]
mod tests;

use toml::de::DeTable;

pub use faults::{Fault, Faults};
pub(super) use nearest::did_you_mean;

use self::draft::{Draft, DraftProcess};
use self::faults::Found;
use self::lines::Lines;
use super::{ProcessSpec, Topology};

impl Topology {
    /// The topology `name` that `text` describes. Faults call the file `file`.
    pub fn parse(name: &str, file: &str, text: &str) -> Result<Self, Faults> {
        let lines = Lines::of(text);
        let mut found = Found::default();
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let at = error.span().map_or(0, |span| span.start);
            found.syntax(lines.line(at), lines.column(at), error.message());
        }
        // what is missing may only be missing because it could not be read
        if !errors.is_empty() {
            return Err(found.in_file(file));
        }
        let draft = read::read(table.get_ref(), &lines, &mut found);
        rules::check(&draft, &mut found);
        if found.any() { Err(found.in_file(file)) } else { Ok(made(name, draft)) }
    }
}

/// A draft without faults is a topology.
fn made(name: &str, draft: Draft) -> Topology {
    let mut topology = Topology {
        name: name.to_owned(),
        about: draft.about,
        database: draft.database,
        registry: draft.registry.value,
        broker: draft.broker.value,
        processes: draft.processes.into_iter().map(process).collect(),
        wires: Default::default(),
    };
    for wire in draft.wires {
        topology.wires.entry(wire.caller).or_default().insert(wire.callee, wire.wire);
    }
    topology
}

fn process(draft: DraftProcess) -> ProcessSpec {
    ProcessSpec {
        name: draft.name.value,
        modules: draft.modules.into_iter().map(|module| module.value).collect(),
        replicas: draft.replicas.value,
    }
}
