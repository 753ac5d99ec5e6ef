//! The indexes of blocking queries: each read has one that moves when its answer may have changed.
//!
//! An index may move without need, but never back, and never stays when the answer has changed.

use std::collections::HashMap;

use super::State;

/// How far the count jumps when the registry starts: further than the changes that a power cut can
/// take from the journal's end, so that no index is ever given out twice.
const LEAP: u64 = 100_000;

/// Where each table was changed last.
#[derive(Debug)]
pub(super) struct Indexes {
    /// The last change of all.
    pub(super) current: u64,
    /// No read answers with less: where this process began to count.
    floor: u64,
    /// Any registration or deregistration.
    pub(super) services: u64,
    /// Any check.
    pub(super) checks: u64,
    /// Any check of the node, which belongs to the health of all services.
    pub(super) node_checks: u64,
    /// Each service: its instances and their checks.
    pub(super) names: HashMap<String, u64>,
    /// The last time a service lost its last instance: the index of those without any.
    pub(super) extinction: u64,
    /// The last deletion of a key: the index of keys that do not exist.
    pub(super) entry_gone: u64,
    pub(super) sessions: u64,
}

impl Indexes {
    pub(super) fn new() -> Self {
        Self {
            current: 1,
            floor: 1,
            services: 1,
            checks: 1,
            node_checks: 1,
            names: HashMap::new(),
            extinction: 1,
            entry_gone: 1,
            sessions: 1,
        }
    }

    /// Moves every index past all that an earlier process may have told.
    pub(super) fn leap(&mut self) {
        if self.current > 1 {
            self.current += LEAP;
            self.floor = self.current;
        }
    }
}

impl State {
    /// The index of the node itself.
    pub(crate) fn node_index(&self) -> u64 {
        self.indexes.floor
    }

    /// The index of the list of services.
    pub(crate) fn services_index(&self) -> u64 {
        self.indexes.floor.max(self.indexes.services)
    }

    /// The index of one service: its instances and their health.
    pub(crate) fn service_index(&self, name: &str) -> u64 {
        let own = self.indexes.names.get(name).copied().unwrap_or(self.indexes.extinction);
        self.indexes.floor.max(own).max(self.indexes.node_checks)
    }

    /// The index of all checks.
    pub(crate) fn checks_index(&self) -> u64 {
        self.indexes.floor.max(self.indexes.checks)
    }

    /// The index of one key.
    pub(crate) fn entry_index(&self, key: &str) -> u64 {
        let own = self.entry(key).map_or(self.indexes.entry_gone, |entry| entry.modified);
        self.indexes.floor.max(own)
    }

    /// The index of all keys with a prefix.
    pub(crate) fn prefix_index(&self, prefix: &str) -> u64 {
        let newest = self.entries(prefix).map(|entry| entry.modified).max().unwrap_or_default();
        self.indexes.floor.max(self.indexes.entry_gone).max(newest)
    }

    /// The index of all sessions.
    pub(crate) fn sessions_index(&self) -> u64 {
        self.indexes.floor.max(self.indexes.sessions)
    }
}
