//! The topologies that travel in the executable: the files of `topologies/`.

use super::Topology;
use super::file::Faults;

/// The files by name: the two ends, and the road between them step by step.
const FILES: [(&str, &str); 8] = [
    ("monolith", include_str!("../../../topologies/monolith.toml")),
    ("microservices", include_str!("../../../topologies/microservices.toml")),
    ("step-1-monolith", include_str!("../../../topologies/step-1-monolith.toml")),
    ("step-2-own-databases", include_str!("../../../topologies/step-2-own-databases.toml")),
    ("step-3-events", include_str!("../../../topologies/step-3-events.toml")),
    ("step-4-payments", include_str!("../../../topologies/step-4-payments.toml")),
    ("step-5-stock-and-parcels", include_str!("../../../topologies/step-5-stock-and-parcels.toml")),
    ("step-6-microservices", include_str!("../../../topologies/step-6-microservices.toml")),
];

/// The names of all.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FILES.into_iter().map(|(name, _)| name)
}

/// The one of this name. That it has no fault is tested, and not taken for granted.
pub(super) fn read(name: &str) -> Option<Result<Topology, Faults>> {
    let (name, text) = FILES.into_iter().find(|(known, _)| *known == name)?;
    Some(Topology::parse(name, &format!("topologies/{name}.toml (built in)"), text))
}

impl Topology {
    /// Every built-in topology.
    pub fn built_in() -> Vec<Self> {
        names().filter_map(read).filter_map(Result::ok).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_one_is_valid_and_says_what_it_is() {
        for name in names() {
            let topology = read(name).expect("it is known").unwrap_or_else(|faults| panic!("{faults}"));
            assert!(topology.about.ends_with('.'), "{name}: {}", topology.about);
        }
        assert_eq!(Topology::built_in().len(), FILES.len());
    }

    #[test]
    fn every_file_of_the_folder_is_built_in() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../topologies");
        let files =
            std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path());
        let files = files.filter(|file| file.extension().is_some_and(|extension| extension == "toml"));
        let stems = files.filter_map(|file| Some(file.file_stem()?.to_str()?.to_owned()));
        assert_eq!(stems.collect::<BTreeSet<_>>(), names().map(str::to_owned).collect());
    }

    #[test]
    fn the_road_begins_and_ends_at_the_two_that_are_named_after_their_kind() {
        for (step, end) in [("step-1-monolith", "monolith"), ("step-6-microservices", "microservices")] {
            let [step, end] = [step, end].map(|name| read(name).expect("known").expect("valid"));
            let nothing = step.changes_to(&end, crate::topology::usual_wire);
            assert_eq!(nothing, Vec::<String>::new(), "{} is {}", step.name, end.name);
        }
    }
}
