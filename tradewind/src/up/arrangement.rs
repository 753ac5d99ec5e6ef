//! How the shop on a data folder is arranged: which topology it has, and whether it is on its way to another.
//! Kept in `arrangement.json`, so that a shop that was killed at any moment finds its data again.
//!
//! Where each module's database is does not stand here: each process keeps that itself, at the moment when it
//! changes (`chassis::store::Placement`).

use std::io;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::folder::Folder;
use crate::topology::Topology;

/// The arrangement of a shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Arrangement {
    /// The topology that it has, or comes from.
    pub topology: Topology,
    /// Where it is on its way to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moving: Option<Moving>,
}

/// A move that was begun and is not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Moving {
    /// Where to.
    pub to: Topology,
    /// How far it is.
    pub progress: Progress,
}

/// What a shop that starts in the middle of a move begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Progress {
    /// The processes of old have the messages.
    Prepared,
    /// So they do, but for those that have been handed over already. They must be brought back first, or the rest
    /// handed over.
    HandingOver,
    /// The new processes have them, and everything that was under way.
    Flipped,
}

impl Arrangement {
    /// A shop at rest.
    pub fn of(topology: Topology) -> Self {
        Self { topology, moving: None }
    }

    /// The one on the data folder; nothing where no shop has run there.
    pub fn read(folder: &Folder) -> anyhow::Result<Option<Self>> {
        let path = folder.arrangement_file();
        match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map(Some).with_context(|| {
                format!(
                    "{} cannot be read: it says how this shop's data is laid out; `tradewind reset` begins anew",
                    path.display()
                )
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }

    /// Keeps it.
    pub fn write(&self, folder: &Folder) -> anyhow::Result<()> {
        folder.write_arrangement(&serde_json::to_vec_pretty(self).context("arrangement.json")?)
    }

    /// The topology that runs, or that a start begins with.
    pub fn running(&self) -> &Topology {
        match &self.moving {
            Some(Moving { to, progress: Progress::Flipped }) => to,
            Some(Moving { progress: Progress::Prepared | Progress::HandingOver, .. }) | None => {
                &self.topology
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built_in(name: &str) -> Topology {
        Topology::named(name).expect("it is built in")
    }

    #[test]
    fn a_shop_starts_with_those_who_have_its_messages() {
        let (from, to) = (built_in("monolith"), built_in("microservices"));
        let mut arrangement = Arrangement::of(from.clone());
        assert_eq!(arrangement.running(), &from);
        for progress in [Progress::Prepared, Progress::HandingOver] {
            arrangement.moving = Some(Moving { to: to.clone(), progress });
            assert_eq!(arrangement.running(), &from);
        }
        arrangement.moving = Some(Moving { to: to.clone(), progress: Progress::Flipped });
        assert_eq!(arrangement.running(), &to);
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = Folder::at(home.path()).expect("a path");
        assert_eq!(Arrangement::read(&folder).expect("readable"), None);
        let moving = Moving { to: built_in("step-4-payments"), progress: Progress::Prepared };
        let arrangement = Arrangement { topology: built_in("monolith"), moving: Some(moving) };
        arrangement.write(&folder).expect("written");
        assert_eq!(Arrangement::read(&folder).expect("readable"), Some(arrangement));
        std::fs::write(folder.arrangement_file(), "{").expect("written");
        let refused = Arrangement::read(&folder).expect_err("damaged").to_string();
        assert!(refused.contains("arrangement.json") && refused.contains("reset"), "{refused}");
    }
}
