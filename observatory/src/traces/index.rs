//! Which traces have spans of a service, and of an operation of it.

use std::collections::{BTreeMap, HashSet};

use crate::limits::Limits;
use crate::names::{OTHERS, admitted};
use crate::span::{Kind, Span, Text};

/// Services and their operations, as far as the window has spans of them.
#[derive(Debug)]
pub(super) struct Index {
    services: BTreeMap<Text, Service>,
    most_services: usize,
    most_operations: usize,
}

#[derive(Debug, Default)]
struct Service {
    traces: HashSet<u128>,
    operations: BTreeMap<Text, Operation>,
}

#[derive(Debug, Default)]
struct Operation {
    traces: HashSet<u128>,
    kinds: Vec<Kind>,
}

/// Under which words a trace is found.
#[derive(Debug)]
pub(super) struct Posting {
    service: Text,
    operation: Text,
}

impl Index {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            services: BTreeMap::new(),
            most_services: limits.services,
            most_operations: limits.operations_of_a_service,
        }
    }

    /// Makes a trace findable by a span of it. Gives the posting if there was none like it.
    pub(super) fn add(&mut self, id: u128, span: &Span) -> Option<Posting> {
        let service = admitted(&span.resource.service, self.most_services, self.services.len(), |name| {
            self.services.contains_key(name)
        });
        let of_service = self.services.entry(service.clone()).or_default();
        of_service.traces.insert(id);
        let operation = admitted(&span.name, self.most_operations, of_service.operations.len(), |name| {
            of_service.operations.contains_key(name)
        });
        let of_operation = of_service.operations.entry(operation.clone()).or_default();
        if !of_operation.kinds.contains(&span.kind) {
            of_operation.kinds.push(span.kind);
        }
        of_operation.traces.insert(id).then_some(Posting { service, operation })
    }

    /// Ends what [`Index::add`] began. Words without a trace are forgotten, and make room for others.
    pub(super) fn remove(&mut self, id: u128, postings: Vec<Posting>) {
        for Posting { service, operation } in postings {
            let Some(of_service) = self.services.get_mut(&service) else { continue };
            of_service.traces.remove(&id);
            if let Some(of_operation) = of_service.operations.get_mut(&operation) {
                of_operation.traces.remove(&id);
                if of_operation.traces.is_empty() {
                    of_service.operations.remove(&operation);
                }
            }
            if of_service.operations.is_empty() {
                self.services.remove(&service);
            }
        }
    }

    /// Every trace that may have a span of the service and the operation; some twice, and some in vain: a name that
    /// found no place when it came is only known to be one of the others.
    pub(super) fn lookup<'a>(
        &'a self,
        service: &'a str,
        operation: Option<&'a str>,
    ) -> impl Iterator<Item = u128> + 'a {
        named(&self.services, service).flat_map(move |found| -> Box<dyn Iterator<Item = u128> + 'a> {
            match operation {
                None => Box::new(found.traces.iter().copied()),
                Some(name) => {
                    let operations = named(&found.operations, name);
                    Box::new(operations.flat_map(|operation| operation.traces.iter().copied()))
                }
            }
        })
    }

    pub(super) fn services(&self) -> Vec<Text> {
        self.services.keys().cloned().collect()
    }

    /// The operations of a service, each with the kinds of its spans.
    pub(super) fn operations(&self, service: &str) -> Vec<(Text, Vec<Kind>)> {
        let operations = self.services.get(service).map(|service| service.operations.iter());
        operations.into_iter().flatten().map(|(name, found)| (name.clone(), found.kinds.clone())).collect()
    }
}

/// What is kept under a name, and what may be of that name among the others.
fn named<'a, V>(known: &'a BTreeMap<Text, V>, name: &str) -> impl Iterator<Item = &'a V> + use<'a, V> {
    let others = if name == OTHERS { None } else { known.get(OTHERS) };
    known.get(name).into_iter().chain(others)
}
