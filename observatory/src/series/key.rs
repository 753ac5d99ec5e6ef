//! What is counted: services, operations, and edges between nodes.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use crate::limits::Limits;
use crate::names::admitted;
use crate::span::{Kind, Text};

/// Edges that have numbers. A map of more is none.
const MOST_EDGES: usize = 2000;
/// All that has numbers. Services with as many operations as each may have would be many times as much.
const MOST_KEYS: usize = 20_000;

/// What a node of the map is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeKind {
    /// One that makes spans.
    Service,
    /// A database.
    Store,
    /// Carries messages.
    Broker,
    /// Somebody who is called and makes no spans.
    Outside,
}

/// A node of the map.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// What it is called.
    pub name: Text,
}

/// Over what one calls another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Wire {
    /// Within a process.
    Local,
    /// HTTP between services.
    Rest,
    /// gRPC.
    Grpc,
    /// Requests and replies through a broker.
    Amqp,
    /// Messages that nobody waits for.
    Events,
    /// What databases speak.
    Sql,
    /// HTTP to the outside.
    Http,
}

/// What has numbers of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// What a service was asked to do.
    Service(Text),
    /// What it did, by name.
    Operation { service: Text, operation: Text, kind: Kind },
    /// What one asked of another.
    Edge { from: Node, to: Node, wire: Wire },
    /// That a message of one was dealt with by another. No edge, since it went through a broker.
    Message { from: Text, to: Text },
}

/// Which names have numbers of their own, and the ids of all keys. Bounded: names that came when there was no
/// room count as one name.
#[derive(Debug)]
pub(super) struct Keys {
    ids: HashMap<Key, Seen>,
    next: u64,
    edges: usize,
    services: HashMap<Text, HashSet<Text>>,
    /// Names of nodes that are no services.
    elsewhere: HashSet<Text>,
    most_services: usize,
    most_operations: usize,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    id: u64,
    /// The last step in which there was something to count.
    step: u64,
}

impl Keys {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            ids: HashMap::new(),
            next: 0,
            edges: 0,
            services: HashMap::new(),
            elsewhere: HashSet::new(),
            most_services: limits.services,
            most_operations: limits.operations_of_a_service,
        }
    }

    /// The name under which a service is counted.
    pub(super) fn service(&mut self, name: &Text) -> Text {
        let known = &mut self.services;
        let name = admitted(name, self.most_services, known.len(), |name| known.contains_key(name));
        known.entry(name.clone()).or_default();
        name
    }

    /// The name under which an operation of a service is counted.
    pub(super) fn operation(&mut self, service: &Text, name: &Text) -> Text {
        let known = self.services.entry(service.clone()).or_default();
        note_name(known, name, self.most_operations)
    }

    /// The node as which somebody is counted. Who makes spans is a service, whatever others took it for.
    pub(super) fn node(&mut self, node: Node) -> Node {
        if node.kind == NodeKind::Service || node.kind == NodeKind::Outside && self.has(&node.name) {
            return Node { kind: NodeKind::Service, name: self.service(&node.name) };
        }
        Node { kind: node.kind, name: note_name(&mut self.elsewhere, &node.name, self.most_services) }
    }

    /// Whether a service of this name has numbers.
    pub(super) fn has(&self, service: &str) -> bool {
        self.services.contains_key(service)
    }

    /// The id of a key, which is in use in this step. None if it is one too many.
    pub(super) fn id(&mut self, key: Key, step: u64) -> Option<u64> {
        if let Some(seen) = self.ids.get_mut(&key) {
            seen.step = seen.step.max(step);
            return Some(seen.id);
        }
        if self.ids.len() >= MOST_KEYS {
            return None;
        }
        if matches!(key, Key::Edge { .. } | Key::Message { .. }) {
            if self.edges >= MOST_EDGES {
                return None;
            }
            self.edges += 1;
        }
        self.next += 1;
        self.ids.insert(key, Seen { id: self.next, step });
        Some(self.next)
    }

    /// The id of a key that has numbers.
    pub(super) fn get(&self, key: &Key) -> Option<u64> {
        self.ids.get(key).map(|seen| seen.id)
    }

    /// Every key and its id.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Key, u64)> {
        self.ids.iter().map(|(key, seen)| (key, seen.id))
    }

    /// Forgets what was last in use before this step, so that names that nobody uses any more make room for others.
    pub(super) fn forget_before(&mut self, step: u64) {
        self.ids.retain(|_, seen| seen.step >= step);
        self.services.clear();
        self.elsewhere.clear();
        self.edges = 0;
        for key in self.ids.keys() {
            self.edges += usize::from(matches!(key, Key::Edge { .. } | Key::Message { .. }));
            match key {
                Key::Service(service) => note_service(&mut self.services, service),
                Key::Operation { service, operation, .. } => {
                    self.services.entry(service.clone()).or_default().insert(operation.clone());
                }
                Key::Edge { from, to, .. } => {
                    for node in [from, to] {
                        if node.kind == NodeKind::Service {
                            note_service(&mut self.services, &node.name);
                        } else {
                            self.elsewhere.insert(node.name.clone());
                        }
                    }
                }
                Key::Message { from, to } => {
                    note_service(&mut self.services, from);
                    note_service(&mut self.services, to);
                }
            }
        }
    }
}

fn note_service(services: &mut HashMap<Text, HashSet<Text>>, name: &Text) {
    services.entry(name.clone()).or_default();
}

/// The name under which something is counted, which is known from now on.
fn note_name(known: &mut HashSet<Text>, name: &Text, most: usize) -> Text {
    let name = admitted(name, most, known.len(), |name| known.contains(name));
    known.insert(name.clone());
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::OTHERS;

    fn keys() -> Keys {
        Keys::new(&Limits { services: 2, operations_of_a_service: 1, ..Limits::default() })
    }

    #[test]
    fn names_beyond_the_bound_are_the_others() {
        let mut keys = keys();
        assert_eq!(&*keys.service(&"a".into()), "a");
        assert_eq!(&*keys.service(&"b".into()), "b");
        assert_eq!(&*keys.service(&"c".into()), OTHERS);
        assert_eq!(&*keys.service(&"a".into()), "a");
        assert_eq!(&*keys.operation(&"a".into(), &"one".into()), "one");
        assert_eq!(&*keys.operation(&"a".into(), &"two".into()), OTHERS);
    }

    #[test]
    fn what_is_not_used_makes_room() {
        let mut keys = keys();
        for (name, step) in [("a", 1), ("b", 5), ("too many", 5)] {
            let name = keys.service(&name.into());
            keys.id(Key::Service(name), step);
        }
        keys.forget_before(5);
        assert!(!keys.has("a") && keys.has("b"));
        assert_eq!(&*keys.service(&"c".into()), "c");
    }

    #[test]
    fn who_makes_spans_is_not_outside() {
        let mut keys = keys();
        keys.service(&"inventory".into());
        let outside = |name: &str| Node { kind: NodeKind::Outside, name: name.into() };
        assert_eq!(keys.node(outside("inventory")).kind, NodeKind::Service);
        assert_eq!(keys.node(outside("bank.example")).kind, NodeKind::Outside);
    }
}
