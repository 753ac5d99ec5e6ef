//! The registry in memory: tables, indexes, and the rules that bind them. No I/O, no clock of its own.
//!
//! Every change is a [`Record`], applied by one function both when it happens and when the journal
//! is read again, so that the two cannot differ.

mod checks;
mod indexes;
mod kv;
mod records;
mod services;
mod sessions;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tokio::time::Instant;

pub(crate) use checks::{Due, NewCheck, Report};
pub(crate) use kv::{Guard, Lease};
pub(crate) use records::{
    Batch, Behavior, Check, CheckKind, Entry, NODE_CHECK, Probe, Record, Service, Session, Status, Weights,
};
pub(crate) use services::ExistingChecks;

use crate::Limits;
use checks::Timer;
use indexes::Indexes;

/// Everything that the registry knows.
#[derive(Debug)]
pub(crate) struct State {
    limits: Limits,
    services: BTreeMap<String, Service>,
    checks: BTreeMap<String, Check>,
    entries: BTreeMap<String, Entry>,
    sessions: BTreeMap<String, Session>,

    /// The ids of a service's instances.
    by_name: BTreeMap<String, BTreeSet<String>>,
    /// The checks of an instance; those of the node under the empty name.
    by_service: BTreeMap<String, BTreeSet<String>>,
    /// Bytes of all keys and values.
    entry_bytes: usize,
    indexes: Indexes,

    /// When each check is due. Not durable: a restart gives everybody a fresh span.
    timers: HashMap<String, Timer>,
    /// How often a check was registered, by which probes know theirs even after it was removed.
    registrations: u64,
    /// When each session ends unless it is renewed. Not durable either.
    session_ends: HashMap<String, Instant>,
    /// Until when keys may not be taken as locks. Not durable, as in Consul.
    lock_delays: HashMap<String, Instant>,

    /// The changes of the call that is under way.
    unsaved: Vec<Record>,
    /// Whether it made something due sooner than before.
    sooner: bool,
}

impl State {
    /// An empty registry.
    pub(crate) fn new(limits: Limits) -> Self {
        let node_check = Check {
            id: NODE_CHECK.to_owned(),
            name: "Serf Health Status".to_owned(),
            notes: String::new(),
            output: "Agent alive and reachable".to_owned(),
            status: Status::Passing,
            service: None,
            kind: CheckKind::Node,
            reap_after: None,
            created: 1,
            modified: 1,
        };
        let mut state = Self {
            limits,
            services: BTreeMap::new(),
            checks: BTreeMap::new(),
            entries: BTreeMap::new(),
            sessions: BTreeMap::new(),
            by_name: BTreeMap::new(),
            by_service: BTreeMap::new(),
            entry_bytes: 0,
            indexes: Indexes::new(),
            timers: HashMap::new(),
            registrations: 0,
            session_ends: HashMap::new(),
            lock_delays: HashMap::new(),
            unsaved: Vec::new(),
            sooner: false,
        };
        state.apply(Record::Check(node_check), 1);
        state
    }

    /// Applies a batch of the journal.
    pub(crate) fn replay(&mut self, batch: Batch) {
        for record in batch.records {
            self.apply(record, batch.index);
        }
        self.indexes.current = self.indexes.current.max(batch.index);
    }

    /// Ends the replay: every index moves past all that were ever told, and every span starts anew.
    pub(crate) fn awake(&mut self, now: Instant) {
        self.indexes.leap();
        let ids: Vec<String> = self.checks.keys().cloned().collect();
        for id in ids {
            self.restart_timer(&id, now);
        }
        let sessions: Vec<String> = self.sessions.keys().cloned().collect();
        for id in sessions {
            self.extend_session(&id, now);
        }
    }

    /// Everything, as the records that rebuild it, services before their checks.
    pub(crate) fn snapshot(&self) -> impl Iterator<Item = Record> {
        let services = self.services.values().cloned().map(Record::Service);
        let checks = self.checks.values().filter(|check| check.kind != CheckKind::Node);
        let sessions = self.sessions.values().cloned().map(Record::Session);
        let entries = self.entries.values().cloned().map(Record::Entry);
        services.chain(checks.cloned().map(Record::Check)).chain(sessions).chain(entries)
    }

    /// The index of the last change.
    pub(crate) fn index(&self) -> u64 {
        self.indexes.current
    }

    /// The changes since the last time this was asked: what is to be journaled. The index moves by one
    /// for all of them.
    pub(crate) fn take_batch(&mut self) -> Option<Batch> {
        let records = std::mem::take(&mut self.unsaved);
        (!records.is_empty()).then_some(Batch { index: self.indexes.current, records })
    }

    /// Whether something has become due sooner since the last time this was asked.
    pub(crate) fn take_sooner(&mut self) -> bool {
        std::mem::take(&mut self.sooner)
    }

    /// The index that the change under way carries.
    fn change_index(&self) -> u64 {
        if self.unsaved.is_empty() { self.indexes.current + 1 } else { self.indexes.current }
    }

    /// Makes one change.
    fn write(&mut self, record: Record) {
        let index = self.change_index();
        self.indexes.current = index;
        self.unsaved.push(record.clone());
        self.apply(record, index);
    }

    fn apply(&mut self, record: Record, index: u64) {
        match record {
            Record::Service(service) => self.apply_service(service, index),
            Record::ServiceGone(id) => {
                self.indexes.services = index;
                if let Some(service) = self.services.remove(&id) {
                    self.forget_name(&service.name, &id, index);
                }
            }
            Record::Check(check) => self.apply_check(check, index),
            Record::CheckGone(id) => {
                if let Some(check) = self.checks.remove(&id) {
                    self.forget_owner(&check);
                    self.touch_owner(&check, index);
                }
                self.timers.remove(&id);
            }
            Record::Entry(entry) => {
                self.entry_bytes += size(&entry);
                if let Some(old) = self.entries.insert(entry.key.clone(), entry) {
                    self.entry_bytes -= size(&old);
                }
            }
            Record::EntryGone(key) => {
                self.indexes.entry_gone = index;
                if let Some(old) = self.entries.remove(&key) {
                    self.entry_bytes -= size(&old);
                }
            }
            Record::Session(session) => {
                self.indexes.sessions = index;
                self.sessions.insert(session.id.clone(), session);
            }
            Record::SessionGone(id) => {
                self.indexes.sessions = index;
                self.sessions.remove(&id);
                self.session_ends.remove(&id);
            }
        }
    }

    fn apply_service(&mut self, service: Service, index: u64) {
        self.indexes.services = index;
        let renamed = self.services.get(&service.id).filter(|old| old.name != service.name);
        if let Some(old_name) = renamed.map(|old| old.name.clone()) {
            self.forget_name(&old_name, &service.id, index);
        }
        self.by_name.entry(service.name.clone()).or_default().insert(service.id.clone());
        self.indexes.names.insert(service.name.clone(), index);
        self.services.insert(service.id.clone(), service);
    }

    fn apply_check(&mut self, check: Check, index: u64) {
        if let Some(old) = self.checks.get(&check.id).cloned() {
            self.forget_owner(&old);
            self.touch_owner(&old, index);
        }
        self.by_service.entry(owner(&check).to_owned()).or_default().insert(check.id.clone());
        self.touch_owner(&check, index);
        self.checks.insert(check.id.clone(), check);
    }

    /// A service has one instance less under this name.
    fn forget_name(&mut self, name: &str, id: &str, index: u64) {
        let Some(ids) = self.by_name.get_mut(name) else { return };
        ids.remove(id);
        if ids.is_empty() {
            self.by_name.remove(name);
            self.indexes.names.remove(name);
            self.indexes.extinction = index;
        } else {
            self.indexes.names.insert(name.to_owned(), index);
        }
    }

    fn forget_owner(&mut self, check: &Check) {
        if let Some(ids) = self.by_service.get_mut(owner(check)) {
            ids.remove(&check.id);
            if ids.is_empty() {
                self.by_service.remove(owner(check));
            }
        }
    }

    /// A check has changed: so has the health of its service, or of all when it is the node's.
    fn touch_owner(&mut self, check: &Check, index: u64) {
        self.indexes.checks = index;
        match &check.service {
            None => self.indexes.node_checks = index,
            Some(id) => {
                if let Some(service) = self.services.get(id) {
                    self.indexes.names.insert(service.name.clone(), index);
                }
            }
        }
    }
}

/// Where a check stands in `by_service`.
fn owner(check: &Check) -> &str {
    check.service.as_deref().unwrap_or_default()
}

/// What an entry counts for in the bound on bytes.
fn size(entry: &Entry) -> usize {
    entry.key.len() + entry.value.len()
}

#[cfg(test)]
mod tests;
