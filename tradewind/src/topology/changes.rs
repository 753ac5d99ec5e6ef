//! What becomes different from one topology to another, in words.

use wires::WireKind;

use super::edges::{self, Way};
use super::{Database, Part, Supporting, Topology};

impl Topology {
    /// What changes on the way from this topology to `next`, a line each; nothing where both say the same. See
    /// [`Topology::way`] for `wires`.
    pub fn changes_to(&self, next: &Self, wires: impl Fn(Part, Part) -> WireKind) -> Vec<String> {
        let mut changes = Vec::new();
        self.processes_to(next, &mut changes);
        if self.database != next.database {
            changes.push(match next.database {
                Database::Own => "each module gets a database of its own".into(),
                Database::Shared => "all modules share one database".into(),
            });
        }
        changes.extend(server("the registry", self.registry, next.registry));
        changes.extend(server("the message broker", self.broker, next.broker));
        for (caller, callee) in edges::edges() {
            let [from, to] = [self, next].map(|topology| topology.way(caller, callee, &wires));
            if from != to {
                changes.push(format!("{caller} calls {callee} {} instead of {}", manner(to), manner(from)));
            }
        }
        changes
    }

    fn processes_to(&self, next: &Self, changes: &mut Vec<String>) {
        let has = |topology: &Self, name: &str| topology.processes.iter().any(|process| process.name == name);
        for process in next.processes.iter().filter(|process| !has(self, &process.name)) {
            changes.push(format!("process {} starts{}", process.name, times(process.replicas)));
        }
        for part in Part::all() {
            let [from, to] = [self, next].map(|topology| topology.process_of(part).name.as_str());
            if from != to {
                changes.push(format!("{part} moves from {from} to {to}"));
            }
        }
        for process in &self.processes {
            match next.processes.iter().find(|other| other.name == process.name) {
                None => changes.push(format!("process {} ends", process.name)),
                Some(other) if other.replicas != process.replicas => {
                    let (from, to) = (process.replicas, other.replicas);
                    changes.push(format!("{to} of process {} run instead of {from}", process.name));
                }
                Some(_) => {}
            }
        }
    }
}

fn times(replicas: u16) -> String {
    if replicas == 1 { String::new() } else { format!(", {replicas} times") }
}

fn server(name: &str, from: Supporting, to: Supporting) -> Option<String> {
    match (from, to) {
        (Supporting::Absent, Supporting::Runs) => Some(format!("{name} starts")),
        (Supporting::Runs, Supporting::Absent) => Some(format!("{name} ends")),
        _ => None,
    }
}

fn manner(way: Way) -> String {
    match way {
        Way::Over(WireKind::Local) => "in its own process".into(),
        Way::Over(wire) => format!("over {wire}"),
        Way::Public => "over its client's protocol".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::usual_wire;

    fn changes(from: &str, to: &str) -> Vec<String> {
        let here = std::path::Path::new("/nowhere");
        let [from, to] = [from, to].map(|name| Topology::find(name, here).expect("it is built in"));
        from.changes_to(&to, usual_wire)
    }

    #[test]
    fn a_step_of_the_road_is_a_short_story() {
        assert_eq!(
            changes("step-3-events", "step-4-payments"),
            [
                "process payments starts",
                "payments moves from shop to payments",
                "gateway calls payments over its client's protocol instead of in its own process",
                "orders calls payments over grpc instead of in its own process",
            ]
        );
        assert_eq!(
            changes("step-1-monolith", "step-2-own-databases"),
            ["each module gets a database of its own"]
        );
    }

    #[test]
    fn the_way_back_is_told_too() {
        let back = changes("step-3-events", "monolith");
        for line in
            ["process notifications ends", "the message broker ends", "all modules share one database"]
        {
            assert!(back.iter().any(|change| change == line), "{back:?}");
        }
    }

    #[test]
    fn replicas_are_a_change() {
        let here = std::path::Path::new("/nowhere");
        let once = Topology::find("microservices", here).expect("it is built in");
        let mut thrice = once.clone();
        thrice.processes[3].replicas = 3;
        assert_eq!(once.changes_to(&thrice, usual_wire), ["3 of process payments run instead of 1"]);
    }
}
