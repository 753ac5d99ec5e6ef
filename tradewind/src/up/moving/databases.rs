//! Which modules change their database in a move, and when.
//!
//! A database moves inside the one process that hosts its module, which holds the module's calls meanwhile. A
//! module that several processes host, replicas or not, has nobody who could hold all of its calls. So it moves at
//! the end of the move where only one process hosts it.

use std::sync::Arc;

use chassis::store::{Placement, Placements};

use super::asking::Processes;
use crate::exit::Ending;
use crate::folder::Folder;
use crate::topology::{Database, Part, Topology};
use crate::up::fleet::Member;

/// A module whose database moves.
pub(super) struct Change {
    pub module: Part,
    pub to: Placement,
    pub moment: Moment,
    /// The process that hosts it at present.
    pub host: Arc<Member>,
}

/// When a database moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// In a process of old, before the new ones are started.
    Before,
    /// In a new process, when those of old have ended.
    After,
}

/// The databases that are not where `to` wants them. Refused where none of both topologies has a single process
/// for a module.
pub(super) async fn changes(
    processes: &Processes,
    members: &[Arc<Member>],
    from: &Topology,
    to: &Topology,
) -> anyhow::Result<Vec<Change>> {
    let (wanted, mut changes) = (placement(to), Vec::new());
    for module in modules() {
        let Some(host) = members.iter().find(|member| member.launch.modules().any(|part| part == module))
        else {
            continue;
        };
        if processes.placement(host, module).await? == wanted {
            continue;
        }
        let moment = match (from.hosts(module), to.hosts(module)) {
            (1, _) => Moment::Before,
            (_, 1) => Moment::After,
            (several, _) => {
                let message = format!(
                    "{name} runs in {several} processes, both in {} and in {}: its database cannot move to {} while it \
                     does. Move first to a topology in which one process hosts {name}",
                    from.name,
                    to.name,
                    in_words(placement(to)),
                    name = module.name(),
                );
                return Err(Ending::Usage(message).into());
            }
        };
        changes.push(Change { module, to: wanted, moment, host: host.clone() });
    }
    Ok(changes)
}

/// Notes, before a shop first starts, where its modules shall keep what they know.
pub(in crate::up) async fn place(folder: &Folder, topology: &Topology) -> anyhow::Result<()> {
    let placements = Placements::kept_in(folder.path());
    for module in modules() {
        placements.write(module.name(), placement(topology)).await?;
    }
    Ok(())
}

fn modules() -> impl Iterator<Item = Part> {
    Part::all().into_iter().filter(|part| part.has_database())
}

/// Where modules of `topology` keep what they know.
fn placement(topology: &Topology) -> Placement {
    match topology.database {
        Database::Shared => Placement::Shared,
        Database::Own => Placement::Own,
    }
}

/// A placement, as people read it.
pub(super) fn in_words(placement: Placement) -> &'static str {
    match placement {
        Placement::Own => "a database of its own",
        Placement::Shared => "the shared database",
    }
}
