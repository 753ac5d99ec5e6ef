//! Whether `docs/road.md` tells the truth about the files of `topologies/`.

use std::path::{Path, PathBuf};

use super::{Database, Part, Topology, Way, usual_wire};

const STEPS: [&str; 6] = [
    "step-1-monolith",
    "step-2-own-databases",
    "step-3-events",
    "step-4-payments",
    "step-5-stock-and-parcels",
    "step-6-microservices",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn road() -> String {
    std::fs::read_to_string(root().join("docs/road.md")).expect("the document is there")
}

fn step(name: &str) -> Topology {
    Topology::find(name, Path::new("/nowhere")).expect("it is built in")
}

/// The blocks of the document that are marked as a diff.
fn diffs(document: &str) -> Vec<&str> {
    let blocks = document.split("\n```diff\n").skip(1);
    blocks.map(|rest| rest.split("\n```").next().unwrap_or_default()).collect()
}

/// The lines of a block that begin with one of `signs`, without their sign. What follows `@@` is for people. An empty
/// line of a block stands for an empty line of both files, or for a pause between two places.
fn marked<'a>(block: &'a str, signs: &[char]) -> Vec<&'a str> {
    block.lines().filter_map(|line| line.strip_prefix(signs)).collect()
}

/// `text` without `lines`, which must stand in it in this order.
fn without<'a>(text: &'a str, lines: &[&str]) -> Vec<&'a str> {
    let mut wanted = lines.iter().peekable();
    let rest = text.lines().filter(|line| wanted.next_if(|next| *next == line).is_none()).collect();
    assert_eq!(wanted.next(), None, "it is not in the file");
    rest
}

#[test]
fn each_diff_is_the_true_one() {
    let document = road();
    let diffs = diffs(&document);
    assert_eq!(diffs.len(), STEPS.len() - 1);
    for (names, diff) in STEPS.windows(2).zip(diffs) {
        let [from, to] = [names[0], names[1]].map(|name| {
            std::fs::read_to_string(root().join(format!("topologies/{name}.toml"))).expect("it is there")
        });
        let (gone, new) = (marked(diff, &['-']), marked(diff, &['+']));
        assert_eq!(without(&from, &gone), without(&to, &new), "{} is not all that changes", names[1]);
        // what stands around a change helps to find the place, and is there in both files
        without(&from, &marked(diff, &['-', ' ']));
        without(&to, &marked(diff, &['+', ' ']));
    }
}

#[test]
fn the_table_counts_right() {
    let document = road();
    for name in STEPS {
        let topology = step(name);
        let edges = topology.edges(usual_wire);
        let leave = edges.iter().filter(|edge| edge.way != Way::LOCAL).count();
        let by_orders =
            edges.iter().filter(|edge| edge.caller == Part::Orders && edge.way != Way::LOCAL).count();
        let processes = topology.processes.len() + topology.servers().len();
        let databases = match topology.database {
            Database::Shared => 1,
            Database::Own => Part::all().into_iter().filter(|part| part.has_database()).count(),
        };
        let row = document.lines().find(|line| line.starts_with(&format!("| [{name}](#"))).expect("a row");
        let cells: Vec<_> = row.split('|').map(str::trim).skip(2).collect();
        let expected = [
            processes.to_string(),
            databases.to_string(),
            format!("{leave} of {}", edges.len()),
            format!("{by_orders} of 4"),
            String::new(),
        ];
        assert_eq!(cells, expected, "{name}");
    }
}

#[test]
fn the_example_of_a_file_is_valid() {
    let document = road();
    let example = document.split("\n```toml\n").nth(1).and_then(|rest| rest.split("\n```").next());
    let example = Topology::parse("example", "docs/road.md", example.expect("there is one"));
    let example = example.unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(example.process_of(Part::Inventory).replicas, 2);
}
