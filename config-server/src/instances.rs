//! Who lives, and runs which version.
//!
//! An instance lives for as long as its watch is open, and a short while after its last report. Both are known to
//! the server that they reached and to no other: the reason why there is one config server, and not several.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chassis::config::protocol::{Instance, InstanceReport, SHARED};
use contracts::{Code, Problem};
use parking_lot::Mutex;

/// How long an instance without a watch counts as live: long enough to reconnect after a hiccup, short
/// enough that nobody waits long for an instance that is gone.
const GRACE: Duration = Duration::from_secs(2);

/// More instances than any shop has: a bound against a runaway client.
const MOST: usize = 10_000;

/// The live instances of all applications.
#[derive(Debug, Clone, Default)]
pub struct Instances(Arc<Mutex<BTreeMap<(String, String), Entry>>>);

#[derive(Debug)]
struct Entry {
    report: Option<InstanceReport>,
    watches: usize,
    seen: Instant,
}

impl Entry {
    fn new() -> Self {
        Self { report: None, watches: 0, seen: Instant::now() }
    }

    fn is_live(&self) -> bool {
        self.watches > 0 || self.seen.elapsed() < GRACE
    }
}

impl Instances {
    /// Keeps what an instance said last.
    pub fn report(&self, application: &str, id: &str, report: InstanceReport) -> Result<(), Problem> {
        self.with(application, id, |entry| {
            entry.report = Some(report);
            entry.seen = Instant::now();
        })
    }

    /// Notes that an instance watches, until the guard is dropped.
    pub fn watching(&self, application: &str, id: &str) -> Result<Watching, Problem> {
        self.with(application, id, |entry| entry.watches += 1)?;
        Ok(Watching { instances: self.clone(), key: (application.to_owned(), id.to_owned()) })
    }

    fn with(&self, application: &str, id: &str, change: impl FnOnce(&mut Entry)) -> Result<(), Problem> {
        let mut entries = self.0.lock();
        entries.retain(|_, entry| entry.is_live());
        let key = (application.to_owned(), id.to_owned());
        if entries.len() >= MOST && !entries.contains_key(&key) {
            return Err(Problem::new(Code::Unavailable, format!("more than {MOST} instances are live")));
        }
        change(entries.entry(key).or_insert_with(Entry::new));
        Ok(())
    }

    /// The live instances of an application; of all, where it is the shared one.
    pub fn of(&self, application: &str) -> Vec<Instance> {
        let entries = self.0.lock();
        let live = entries
            .iter()
            .filter(|((owner, _), entry)| (application == SHARED || owner == application) && entry.is_live());
        live.filter_map(|((owner, id), entry)| {
            let report = entry.report.as_ref()?;
            Some(Instance {
                id: id.clone(),
                application: owner.clone(),
                profile: report.profile.clone(),
                overrides: report.overrides.clone(),
                version: report.version,
                pending_restart: report.pending_restart.clone(),
                refused: report.refused.clone(),
            })
        })
        .collect()
    }
}

/// An open watch.
#[derive(Debug)]
pub struct Watching {
    instances: Instances,
    key: (String, String),
}

impl Drop for Watching {
    fn drop(&mut self) {
        if let Some(entry) = self.instances.0.lock().get_mut(&self.key) {
            entry.watches = entry.watches.saturating_sub(1);
            entry.seen = Instant::now();
        }
    }
}
