//! What the numbers say, as the pages are given it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::key::{Key, Node, NodeKind, Wire};
use super::reading::Line;
use super::steps::{STEP, Sum};
use super::{Inner, Series};
use crate::clock::nanos;
use crate::span::{Kind, Text};

/// Who called whom lately.
#[derive(Debug, Serialize)]
pub struct Map {
    /// All who took part, by kind and name.
    pub nodes: Vec<MapNode>,
    /// All calls and messages.
    pub edges: Vec<MapEdge>,
}

/// How one fared.
#[derive(Debug, Serialize)]
pub struct MapNode {
    /// Its name.
    pub service: Text,
    /// What it is.
    pub kind: NodeKind,
    /// What it was asked to do, and how that went.
    #[serde(flatten)]
    pub numbers: Numbers,
}

/// How an edge fared.
#[derive(Debug, Serialize)]
pub struct MapEdge {
    /// Who called.
    pub from: Text,
    /// Who was called.
    pub to: Text,
    /// Over what.
    pub wire: Wire,
    /// As the caller saw it.
    #[serde(flatten)]
    pub numbers: Numbers,
}

/// Rate, errors and durations.
#[derive(Debug, Serialize)]
pub struct Numbers {
    /// How often in a second.
    pub rate_per_s: f64,
    /// How much of it failed, from 0 to 1; none if nothing happened.
    pub error_share: Option<f64>,
    /// What half of them took at most, in milliseconds.
    pub p50_ms: Option<f64>,
    /// What 95 of a hundred took at most, in milliseconds.
    pub p95_ms: Option<f64>,
}

/// What a service did, step by step, and by operation. The lists of a chart are equally long; where nothing happened
/// there is none.
#[derive(Debug, Serialize)]
pub struct ServiceReport {
    /// Its name.
    pub service: Text,
    /// Seconds of a step.
    pub step_s: u64,
    /// When the first step began; microseconds since 1970.
    pub from_us: u64,
    /// How often in a second it was asked to do something.
    pub rate_per_s: Vec<f64>,
    /// How much of it failed, from 0 to 1.
    pub error_share: Vec<Option<f64>>,
    /// Milliseconds.
    pub p50_ms: Vec<Option<f64>>,
    /// Milliseconds.
    pub p95_ms: Vec<Option<f64>>,
    /// Milliseconds.
    pub p99_ms: Vec<Option<f64>>,
    /// Each of its operations, the most frequent first.
    pub operations: Vec<OperationReport>,
    /// Its metrics, by name.
    pub gauges: Vec<GaugeReport>,
}

/// What an operation did in the whole time.
#[derive(Debug, Serialize)]
pub struct OperationReport {
    /// Its name.
    pub operation: Text,
    /// `server`, `client`, …
    pub kind: &'static str,
    /// How often.
    pub calls: u64,
    /// How much of it failed, from 0 to 1.
    pub error_share: Option<f64>,
    /// Milliseconds.
    pub p50_ms: Option<f64>,
    /// Milliseconds.
    pub p95_ms: Option<f64>,
    /// Milliseconds.
    pub p99_ms: Option<f64>,
}

/// A metric, step by step as the service it is of.
#[derive(Debug, Serialize)]
pub struct GaugeReport {
    /// Its name.
    pub name: Text,
    /// Its unit, in UCUM.
    pub unit: Text,
    /// Its attributes.
    pub labels: BTreeMap<Text, Text>,
    /// What it said.
    pub points: Vec<Option<f64>>,
}

/// How often one service called another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dependency {
    /// Who called.
    pub parent: Text,
    /// Who was called.
    pub child: Text,
    /// How often.
    pub call_count: u64,
}

impl Series {
    /// Who called whom in the time before now. Costs under the lock O(steps · edges).
    pub fn map(&self, lately: Duration, now: u64) -> Map {
        let inner = &*self.at(now);
        let to = now / STEP;
        let from = (to + 1).saturating_sub(nanos(lately) / STEP);
        let since = (from * STEP).max(inner.born).min(now);
        let seconds = (now - since).max(STEP) as f64 / 1e9;

        let found = inner.found(from, to, |key| matches!(key, Key::Service(_) | Key::Edge { .. }));
        let mut nodes: BTreeMap<Node, Sum> = BTreeMap::new();
        let mut edges = Vec::new();
        for (key, sum) in found {
            match key {
                Key::Service(name) => {
                    nodes.entry(Node { kind: NodeKind::Service, name }).or_default().merge(&sum);
                }
                Key::Edge { from, to, wire } => {
                    let callee = nodes.entry(to.clone()).or_default();
                    // a service tells of itself
                    if to.kind != NodeKind::Service {
                        callee.merge(&sum);
                    }
                    nodes.entry(from.clone()).or_default();
                    edges.push((from, to, wire, Numbers::of(&sum, seconds)));
                }
                Key::Operation { .. } | Key::Message { .. } => {}
            }
        }
        edges.sort_by(|a, b| (&a.0, &a.1, a.2).cmp(&(&b.0, &b.1, b.2)));
        let edge = |(from, to, wire, numbers): (Node, Node, _, _)| MapEdge {
            from: from.name,
            to: to.name,
            wire,
            numbers,
        };
        let node = |(node, sum): (Node, Sum)| MapNode {
            service: node.name,
            kind: node.kind,
            numbers: Numbers::of(&sum, seconds),
        };
        Map { nodes: nodes.into_iter().map(node).collect(), edges: edges.into_iter().map(edge).collect() }
    }

    /// What a service did in the time before now; none if nothing is known of it. The step that is under way is in
    /// no chart: it would look like a dip. Costs under the lock O(steps · (operations + metrics) of the service).
    pub fn service(&self, service: &str, lately: Duration, now: u64) -> Option<ServiceReport> {
        let inner = &*self.at(now);
        if !inner.keys.has(service) && !inner.gauges.has(service) {
            return None;
        }
        let end = now / STEP;
        let from = end.saturating_sub(nanos(lately) / STEP);
        let to = end.saturating_sub(1);
        let id = inner.keys.get(&Key::Service(service.into()));
        let steps = inner.steps.each(id, from, to);
        let each = |share| steps.iter().map(|sum| sum.as_ref()?.millis(share)).collect();
        let rate = |sum: &Option<Sum>| sum.as_ref().map_or(0.0, |sum| sum.calls as f64 / (STEP as f64 / 1e9));
        Some(ServiceReport {
            service: service.into(),
            step_s: STEP / 1_000_000_000,
            from_us: from * (STEP / 1000),
            rate_per_s: steps.iter().map(rate).collect(),
            error_share: steps.iter().map(|sum| sum.as_ref()?.error_share()).collect(),
            p50_ms: each(0.5),
            p95_ms: each(0.95),
            p99_ms: each(0.99),
            operations: inner.operations(service, from, end),
            gauges: inner.gauges(service, from, to),
        })
    }

    /// Which services called which, and how often, between two moments in nanoseconds since 1970. Calls of a service
    /// to itself are left out, as Jaeger does. Costs under the lock O(steps · edges).
    pub fn dependencies(&self, from: u64, to: u64, now: u64) -> Vec<Dependency> {
        let inner = &*self.at(now);
        let is_service = |node: &Node| node.kind == NodeKind::Service;
        let found = inner.found(from / STEP, to / STEP, |key| match key {
            Key::Edge { from, to, .. } => is_service(from) && is_service(to),
            Key::Message { .. } => true,
            Key::Service(_) | Key::Operation { .. } => false,
        });
        let mut calls: BTreeMap<(Text, Text), u64> = BTreeMap::new();
        for (key, sum) in found {
            let (parent, child) = match key {
                Key::Edge { from, to, .. } => (from.name, to.name),
                Key::Message { from, to } => (from, to),
                Key::Service(_) | Key::Operation { .. } => continue,
            };
            if parent != child {
                *calls.entry((parent, child)).or_default() += sum.calls;
            }
        }
        let dependency = |((parent, child), call_count)| Dependency { parent, child, call_count };
        calls.into_iter().map(dependency).collect()
    }
}

impl Inner {
    /// The keys that are asked for, with what happened of them; without those of which nothing did.
    fn found(&self, from: u64, to: u64, wanted: impl Fn(&Key) -> bool) -> Vec<(Key, Sum)> {
        let keys: Vec<(u64, Key)> =
            self.keys.all().filter(|(key, _)| wanted(key)).map(|(key, id)| (id, key.clone())).collect();
        let sums = self.steps.sums(&keys, from, to);
        keys.into_iter().map(|(_, key)| key).zip(sums).filter(|(_, sum)| sum.calls > 0).collect()
    }

    fn operations(&self, of: &str, from: u64, to: u64) -> Vec<OperationReport> {
        let found = self
            .found(from, to, |key| matches!(key, Key::Operation { service, .. } if **service == *of))
            .into_iter();
        let mut operations: Vec<OperationReport> = found
            .filter_map(|(key, sum)| {
                let Key::Operation { operation, kind, .. } = key else { return None };
                Some(OperationReport::of(operation, kind, &sum))
            })
            .collect();
        operations.sort_by(|a, b| {
            b.calls.cmp(&a.calls).then_with(|| (&a.operation, a.kind).cmp(&(&b.operation, b.kind)))
        });
        operations
    }

    fn gauges(&self, service: &str, from: u64, to: u64) -> Vec<GaugeReport> {
        let mut found = self.gauges.of(service, from, to);
        found.sort_by(|(a, _), (b, _)| (&a.name, &a.labels).cmp(&(&b.name, &b.labels)));
        let report = |(line, points): (Line, _)| GaugeReport {
            name: line.name,
            unit: line.unit,
            labels: line.labels.into_iter().collect(),
            points,
        };
        found.into_iter().map(report).collect()
    }
}

impl Numbers {
    fn of(sum: &Sum, seconds: f64) -> Self {
        Self {
            rate_per_s: sum.calls as f64 / seconds,
            error_share: sum.error_share(),
            p50_ms: sum.millis(0.5),
            p95_ms: sum.millis(0.95),
        }
    }
}

impl OperationReport {
    fn of(operation: Text, kind: Kind, sum: &Sum) -> Self {
        Self {
            operation,
            kind: kind.name(),
            calls: sum.calls,
            error_share: sum.error_share(),
            p50_ms: sum.millis(0.5),
            p95_ms: sum.millis(0.95),
            p99_ms: sum.millis(0.99),
        }
    }
}
