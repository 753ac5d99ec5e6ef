//! A topology as data, and what the supervisor asks it.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use wires::WireKind;

use super::edges::{self, Way};
use super::{Part, part};

/// Which modules share a process, and what stands around them. Every module stands in exactly one process: both
/// ways to get a topology, from a file and from the copy in the data folder, refuse any other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topology {
    /// What it is called: the name of its file.
    pub name: String,
    /// What it is, in a sentence; empty where its file says nothing.
    pub about: String,
    /// Where modules keep what they know.
    pub database: Database,
    /// How processes find each other. Never absent where there are several.
    pub registry: Supporting,
    /// How events get from one process to another. Never absent where there are several.
    pub broker: Supporting,
    /// The processes that have modules, as the file lists them. The supporting servers are processes besides.
    #[serde(deserialize_with = "whole")]
    pub processes: Vec<ProcessSpec>,
    /// The wires that the file names, by caller and callee: how a shop begins that enters this topology. Configuration
    /// chooses all others, and may change these while the shop runs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub wires: BTreeMap<Part, BTreeMap<Part, WireKind>>,
}

/// Where modules keep what they know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Database {
    /// All modules in one database, each in tables of its own.
    Shared,
    /// Each module in a database of its own.
    Own,
}

/// Whether a supporting server runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Supporting {
    /// As a process of its own.
    Runs,
    /// Nobody needs it.
    Absent,
}

/// How events get to those who hear them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Events {
    /// From outbox to inbox, within the one process.
    InProcess,
    /// Through the message broker.
    Broker,
}

/// One process, or several that are alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessSpec {
    /// What it is called.
    pub name: String,
    /// Its modules, as the file lists them.
    pub modules: Vec<Part>,
    /// How many of it run.
    pub replicas: u16,
}

/// A call that one module makes to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// Who calls.
    pub caller: Part,
    /// Who is called.
    pub callee: Part,
    /// How the call gets there.
    pub way: Way,
}

impl ProcessSpec {
    /// Whether `part` is one of its modules.
    pub fn has(&self, part: Part) -> bool {
        self.modules.contains(&part)
    }
}

impl Topology {
    /// The process that `part` stands in.
    pub fn process_of(&self, part: Part) -> &ProcessSpec {
        let home = self.processes.iter().find(|process| process.has(part));
        home.unwrap_or_else(|| panic!("{part} stands in no process, and nobody reads such a topology"))
    }

    /// Whether all modules run in one single process. The supporting servers are processes besides.
    pub fn is_one_process(&self) -> bool {
        matches!(self.processes.as_slice(), [only] if only.replicas == 1)
    }

    /// Whether `caller` and `callee` stand in the same process, so that one calls the other `local`.
    pub fn is_local(&self, caller: Part, callee: Part) -> bool {
        self.process_of(caller).has(callee)
    }

    /// How a call from `caller` gets to `callee`. `wires` tells the wire where modules stand apart and the file
    /// does not say.
    pub fn way(&self, caller: Part, callee: Part, wires: impl Fn(Part, Part) -> WireKind) -> Way {
        if self.is_local(caller, callee) {
            return Way::LOCAL;
        }
        if caller == Part::Gateway {
            return Way::Public;
        }
        let named = self.wires.get(&caller).and_then(|callees| callees.get(&callee)).copied();
        Way::Over(named.unwrap_or_else(|| wires(caller, callee)))
    }

    /// Who calls whom, and how; see [`Topology::way`].
    pub fn edges(&self, wires: impl Fn(Part, Part) -> WireKind) -> Vec<Edge> {
        let edges = edges::edges();
        edges.map(|(caller, callee)| Edge { caller, callee, way: self.way(caller, callee, &wires) }).collect()
    }

    /// How events get to those who hear them. Where there is a broker every event goes through it, those too whose
    /// hearer lives in the same process.
    pub fn events(&self) -> Events {
        match self.broker {
            Supporting::Runs => Events::Broker,
            Supporting::Absent => Events::InProcess,
        }
    }

    /// The supporting servers that run beside the modules.
    pub fn servers(&self) -> Vec<&'static str> {
        let registry = (self.registry == Supporting::Runs).then_some("registry");
        let broker = (self.broker == Supporting::Runs).then_some("broker");
        ["config-server", "card-network", "observatory"].into_iter().chain(registry).chain(broker).collect()
    }
}

/// The processes of a stored copy, where each module stands in one.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ProcessSpec>, D::Error> {
    let processes = Vec::<ProcessSpec>::deserialize(deserializer)?;
    let homes =
        |part: &Part| processes.iter().flat_map(|process| &process.modules).filter(|it| *it == part).count();
    let astray = part::list(Part::all().into_iter().filter(|part| homes(part) != 1));
    if astray.is_empty() {
        return Ok(processes);
    }
    Err(serde::de::Error::custom(format!("each module must stand in exactly one process, unlike {astray}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::usual_wire;

    fn topology(name: &str) -> Topology {
        Topology::built_in().into_iter().find(|topology| topology.name == name).expect("it is built in")
    }

    #[test]
    fn the_monolith_calls_itself() {
        let monolith = topology("monolith");
        assert!(monolith.is_one_process());
        assert_eq!(monolith.events(), Events::InProcess);
        assert!(monolith.edges(usual_wire).iter().all(|edge| edge.way == Way::LOCAL));
        assert_eq!(monolith.servers(), ["config-server", "card-network", "observatory"]);
    }

    #[test]
    fn microservices_call_each_other() {
        let microservices = topology("microservices");
        assert!(!microservices.is_one_process());
        assert!(!microservices.is_local(Part::Orders, Part::Payments));
        let way = |caller, callee| microservices.way(caller, callee, |_, _| WireKind::Amqp);
        assert_eq!(way(Part::Orders, Part::Payments), Way::Over(WireKind::Amqp));
        assert_eq!(way(Part::Gateway, Part::Payments), Way::Public);
    }

    #[test]
    fn what_the_file_says_of_a_wire_goes_before_configuration() {
        let payments_apart = topology("step-4-payments");
        let way = |callee| payments_apart.way(Part::Orders, callee, |_, _| WireKind::Rest);
        assert_eq!(way(Part::Payments), Way::Over(WireKind::Grpc));
        assert_eq!(way(Part::Shipping), Way::LOCAL);
    }

    #[test]
    fn a_process_that_runs_twice_is_not_one_process() {
        let mut twice = topology("monolith");
        twice.processes[0].replicas = 2;
        assert!(!twice.is_one_process());
    }

    #[test]
    fn a_copy_is_read_back_and_a_damaged_one_is_not() {
        let original = topology("step-5-stock-and-parcels");
        let copy = serde_json::to_string(&original).expect("writes");
        assert_eq!(serde_json::from_str::<Topology>(&copy).expect("reads"), original);
        let damaged = copy.replace(r#"["payments"]"#, r#"["shipping"]"#);
        let refused = serde_json::from_str::<Topology>(&damaged).expect_err("payments is nowhere");
        assert!(refused.to_string().contains("unlike payments, shipping"), "{refused}");
    }
}
