//! Checks, and what follows when one changes.

use std::time::Duration;

use tokio::time::Instant;

use super::{Check, CheckKind, NODE_CHECK, Probe, Record, State, Status};
use crate::error::Refusal;

/// What a check's output is cut to.
const LONGEST_OUTPUT: usize = 4096;

/// A check as it is registered.
#[derive(Debug, Clone)]
pub(crate) struct NewCheck {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) notes: String,
    pub(crate) status: Status,
    pub(crate) service: Option<String>,
    pub(crate) kind: CheckKind,
    pub(crate) reap_after: Option<Duration>,
}

/// How a check stands, said by whoever found out.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) status: Status,
    pub(crate) output: String,
}

/// When something is to happen to a check.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timer {
    /// A TTL check lapses; an HTTP check is run. None while its probe is out: there is one at a time.
    due: Option<Instant>,
    /// Since when it is critical.
    critical_since: Option<Instant>,
    /// Which registration of the check this is: a probe of an older one has nothing to say.
    generation: u64,
}

/// An HTTP check that is to be run now.
#[derive(Debug, Clone)]
pub(crate) struct Due {
    pub(crate) check: String,
    pub(crate) generation: u64,
    pub(crate) probe: Probe,
}

impl State {
    /// All checks, in order of their ids.
    pub(crate) fn checks(&self) -> impl Iterator<Item = &Check> {
        self.checks.values()
    }

    /// The checks of one instance.
    pub(crate) fn checks_of(&self, service_id: &str) -> impl Iterator<Item = &Check> {
        self.by_service.get(service_id).into_iter().flatten().filter_map(|id| self.checks.get(id))
    }

    /// The checks of the node.
    pub(crate) fn node_checks(&self) -> impl Iterator<Item = &Check> {
        self.checks_of("")
    }

    pub(super) fn check(&self, id: &str) -> Option<&Check> {
        self.checks.get(id)
    }

    /// Registers one check by itself.
    pub(crate) fn register_check(&mut self, check: NewCheck, now: Instant) -> Result<(), Refusal> {
        if let Some(service) = check.service.as_ref().filter(|id| !self.services.contains_key(*id)) {
            return Err(Refusal::bad(format!("ServiceID {service:?} does not exist")));
        }
        self.room_for_checks(std::slice::from_ref(&check))?;
        self.put_check(check, now);
        Ok(())
    }

    /// Removes one check.
    pub(crate) fn deregister_check(&mut self, id: &str, now: Instant) -> Result<(), Refusal> {
        if id == NODE_CHECK || !self.checks.contains_key(id) {
            return Err(unknown(id));
        }
        self.remove_check(id, now);
        Ok(())
    }

    /// A service reports on its TTL check.
    pub(crate) fn report(&mut self, id: &str, report: Report, now: Instant) -> Result<(), Refusal> {
        match self.checks.get(id).map(|check| &check.kind) {
            Some(CheckKind::Ttl(_)) => {}
            Some(_) => {
                return Err(Refusal::bad(format!("CheckID {id:?} does not have associated TTL")));
            }
            None => return Err(unknown(id)),
        }
        self.set_status(id, report, now);
        self.schedule(id, now);
        Ok(())
    }

    /// A probe has come back, and the next one is due. One that was sent for an earlier registration of the check is ignored.
    pub(crate) fn probed(&mut self, due: &Due, report: Report, now: Instant) {
        if self.timers.get(&due.check).is_some_and(|timer| timer.generation == due.generation) {
            self.set_status(&due.check, report, now);
            if let Some(timer) = self.timers.get_mut(&due.check) {
                timer.due = Some(now + due.probe.interval);
            }
        }
    }

    /// Turns TTL checks critical that nobody reported on, deregisters services that have been critical
    /// for too long, and returns the HTTP checks to run, as many as there are `places`. The others
    /// stay due. Each that is returned must come back by [`State::probed`].
    pub(crate) fn run_checks(&mut self, now: Instant, places: usize) -> Vec<Due> {
        let due = self.timers.iter().filter_map(|(id, timer)| Some((timer.due?, id.clone())));
        let mut due: Vec<(Instant, String)> = due.filter(|(at, _)| *at <= now).collect();
        // Who has waited longest is first.
        due.sort_unstable();
        let mut probes = Vec::new();
        for (_, id) in due {
            let Some(timer) = self.timers.get_mut(&id) else { continue };
            match self.checks.get(&id).map(|check| (&check.kind, &check.output)) {
                Some((CheckKind::Http(_), _)) if probes.len() >= places => {}
                Some((CheckKind::Http(probe), _)) => {
                    timer.due = None;
                    probes.push(Due { check: id, generation: timer.generation, probe: probe.clone() });
                }
                Some((CheckKind::Ttl(_), output)) => {
                    timer.due = None;
                    let output = match output.as_str() {
                        "" => "TTL expired".to_owned(),
                        last => format!("TTL expired (last output before timeout follows): {last}"),
                    };
                    self.set_status(&id, Report { status: Status::Critical, output }, now);
                }
                _ => timer.due = None,
            }
        }
        let too_long = |id: &String| self.reap_at(id).is_some_and(|at| at <= now);
        let reaped: Vec<String> = self.timers.keys().filter(|id| too_long(id)).cloned().collect();
        for service in reaped.iter().filter_map(|id| self.checks.get(id)?.service.clone()).collect::<Vec<_>>()
        {
            if self.deregister(&service, now).is_ok() {
                tracing::info!(service, "{service} was critical for too long: deregistered");
            }
        }
        probes
    }

    /// When [`State::run_checks`] has something to do next, with so many places for HTTP checks.
    pub(crate) fn next_check(&self, places: usize) -> Option<Instant> {
        let reaps = self.timers.keys().filter_map(|id| self.reap_at(id));
        let waits = |id: &String| {
            places == 0 && matches!(self.checks.get(id).map(|check| &check.kind), Some(CheckKind::Http(_)))
        };
        self.timers.iter().filter(|(id, _)| !waits(id)).filter_map(|(_, timer)| timer.due).chain(reaps).min()
    }

    /// When the service of a check is deregistered, if the check stays critical.
    fn reap_at(&self, id: &str) -> Option<Instant> {
        let since = self.timers.get(id)?.critical_since?;
        let check = self.checks.get(id)?;
        check.service.as_ref()?;
        Some(since + check.reap_after?.max(self.limits.reap_after_min))
    }

    pub(super) fn room_for_checks(&self, new: &[NewCheck]) -> Result<(), Refusal> {
        let more = new.iter().filter(|check| !self.checks.contains_key(&check.id)).count();
        if self.checks.len() + more > self.limits.checks {
            return Err(Refusal::Full(format!("at most {} checks", self.limits.checks)));
        }
        Ok(())
    }

    /// Stores a check. One that is there already keeps its status: who registers again does not know
    /// better than who checked.
    pub(super) fn put_check(&mut self, new: NewCheck, now: Instant) {
        let NewCheck { id, name, notes, status, service, kind, reap_after } = new;
        let index = self.change_index();
        let mut check = Check {
            id,
            name,
            notes,
            output: String::new(),
            status,
            service,
            kind,
            reap_after,
            created: index,
            modified: index,
        };
        let old = self.checks.get(&check.id);
        if let Some(old) = old {
            check.output.clone_from(&old.output);
            check.status = old.status;
            check.created = old.created;
            check.modified = old.modified;
        }
        let id = check.id.clone();
        if old != Some(&check) {
            check.modified = index;
            self.write(Record::Check(check));
        }
        self.restart_timer(&id, now);
    }

    pub(super) fn remove_check(&mut self, id: &str, now: Instant) {
        if self.checks.contains_key(id) {
            self.write(Record::CheckGone(id.to_owned()));
            self.end_sessions_of_check(id, now);
        }
    }

    fn set_status(&mut self, id: &str, mut report: Report, now: Instant) {
        report.output.truncate(report.output.floor_char_boundary(LONGEST_OUTPUT));
        let index = self.change_index();
        let Some(check) = self.checks.get_mut(id) else { return };
        if check.status == report.status {
            check.output = report.output;
            return;
        }
        let status = report.status;
        let changed = Check { status, output: report.output, modified: index, ..check.clone() };
        self.write(Record::Check(changed));
        if let Some(timer) = self.timers.get_mut(id) {
            timer.critical_since = (status == Status::Critical).then_some(now);
        }
        if status == Status::Critical {
            self.sooner = true;
            self.end_sessions_of_check(id, now);
        }
    }

    /// Gives a check that was just registered its timer.
    pub(super) fn restart_timer(&mut self, id: &str, now: Instant) {
        let Some(check) = self.checks.get(id) else { return };
        let old = self.timers.get(id);
        let since = old.and_then(|timer| timer.critical_since).unwrap_or(now);
        let timer = Timer {
            due: matches!(check.kind, CheckKind::Http(_)).then_some(now),
            critical_since: (check.status == Status::Critical).then_some(since),
            generation: self.registrations + 1,
        };
        self.registrations += 1;
        self.timers.insert(id.to_owned(), timer);
        self.sooner = true;
        self.schedule(id, now);
    }

    /// Starts the TTL of a check anew.
    fn schedule(&mut self, id: &str, now: Instant) {
        if let (Some(timer), Some(CheckKind::Ttl(ttl))) =
            (self.timers.get_mut(id), self.checks.get(id).map(|check| &check.kind))
        {
            // A report on a live check only ever moves its end away, which needs no earlier look.
            self.sooner |= timer.due.is_none();
            timer.due = Some(now + *ttl);
        }
    }
}

fn unknown(id: &str) -> Refusal {
    Refusal::Missing(format!(
        "Unknown check ID {id:?}. Ensure that the check ID is passed, not the check name."
    ))
}
