//! From what somebody typed to a topology.

use std::io;
use std::path::{Path, PathBuf};

use super::file::{self, Faults};
use super::{Topology, built_in};

/// Where a shop keeps its own topologies.
const FOLDER: &str = "topologies";
/// How such a file's name ends.
const ENDING: &str = ".toml";

/// Why there is no such topology.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// Nothing has this name.
    #[error("there is no topology {name:?}{hint}: choose from {}, or name a file, as in ./mine.toml", known.join(", "))]
    Unknown {
        /// What was typed.
        name: String,
        /// What may have been meant.
        hint: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The file is not there, or not to be read.
    #[error("the topology {} cannot be read: {why}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// The file has faults.
    #[error(transparent)]
    Faulty(#[from] Faults),
}

impl Topology {
    /// The topology that `name_or_file` means in the folder `here`. A text with a `/`, or with `.toml` at its end,
    /// is the path of a file. Any other is a name: of a file in `topologies/`, else of a built-in one.
    pub fn find(name_or_file: &str, here: &Path) -> Result<Self, FindError> {
        if name_or_file.contains('/') || name_or_file.ends_with(ENDING) {
            return read(Path::new(name_or_file), here);
        }
        let local = Path::new(FOLDER).join(format!("{name_or_file}{ENDING}"));
        if here.join(&local).is_file() {
            return read(&local, here);
        }
        match built_in::read(name_or_file) {
            Some(topology) => Ok(topology?),
            None => Err(unknown(name_or_file, here)),
        }
    }
}

/// Reads a file, and calls it in every fault as it was named.
fn read(named: &Path, here: &Path) -> Result<Topology, FindError> {
    let text = std::fs::read_to_string(here.join(named))
        .map_err(|why| FindError::Unreadable { path: named.to_owned(), why })?;
    let name = named.file_stem().unwrap_or_default().to_string_lossy();
    Ok(Topology::parse(&name, &named.display().to_string(), &text)?)
}

fn unknown(name: &str, here: &Path) -> FindError {
    let mut known: Vec<String> = built_in::names().map(str::to_owned).collect();
    // a folder that is not there has nothing to offer
    let entries = std::fs::read_dir(here.join(FOLDER)).into_iter().flatten().flatten();
    let files =
        entries.filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(ENDING)?.to_owned()));
    let mut own: Vec<String> = files.filter(|file| !known.contains(file)).collect();
    own.sort();
    known.extend(own);
    let hint = file::did_you_mean(name, known.iter().map(String::as_str));
    FindError::Unknown { name: name.to_owned(), hint, known }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINE: &str = concat!(
        "about = 'Mine.'\n",
        "[processes]\n",
        "front = ['gateway', 'catalog', 'orders', 'inventory', 'payments', 'shipping']\n",
        "back = ['notifications', 'recommendations']\n",
    );

    fn here() -> tempfile::TempDir {
        let here = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(here.path().join(FOLDER)).expect("made");
        here
    }

    #[test]
    fn a_name_is_built_in_unless_there_is_a_file() {
        let here = here();
        let built_in = Topology::find("monolith", here.path()).expect("built in");
        assert_eq!(built_in.processes.len(), 1);
        std::fs::write(here.path().join("topologies/monolith.toml"), MINE).expect("written");
        let own = Topology::find("monolith", here.path()).expect("a file");
        assert_eq!((own.name.as_str(), own.processes.len()), ("monolith", 2));
    }

    #[test]
    fn a_path_is_a_file_and_gives_the_name() {
        let here = here();
        std::fs::write(here.path().join("mine.toml"), MINE).expect("written");
        for named in ["mine.toml", "./mine.toml", here.path().join("mine.toml").to_str().expect("text")] {
            assert_eq!(Topology::find(named, here.path()).expect("a file").name, "mine");
        }
    }

    #[test]
    fn an_unknown_name_is_told_what_there_is() {
        let here = here();
        std::fs::write(here.path().join("topologies/mine.toml"), MINE).expect("written");
        let said = Topology::find("microservice", here.path()).expect_err("a typing mistake").to_string();
        assert!(
            said.contains("did you mean \"microservices\"") && said.contains("step-4-payments"),
            "{said}"
        );
        assert!(said.contains("step-6-microservices, mine, or name a file"), "{said}");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let here = here();
        let error = Topology::find("./none.toml", here.path()).expect_err("no file");
        assert!(error.to_string().starts_with("the topology ./none.toml cannot be read: "), "{error}");
    }

    #[test]
    fn faults_name_the_file_as_it_was_typed() {
        let here = here();
        std::fs::write(here.path().join("topologies/mine.toml"), "databse = 'own'").expect("written");
        let by_name = Topology::find("mine", here.path()).expect_err("faulty").to_string();
        assert!(by_name.contains("\n  topologies/mine.toml:1: "), "{by_name}");
    }
}
