//! How each process is doing: what the supervisor knows, and what `GET /status` tells.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::folder::Addresses;

/// What a process is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It runs and has not been ready yet.
    Starting,
    /// It wants work.
    Ready,
    /// It was ready, and is not at this moment.
    NotReady,
    /// It died, and waits to be started again.
    Waiting,
    /// It was told not to run for now.
    Halted,
    /// It finishes what it has begun.
    Draining,
    /// It has ended.
    Stopped,
}

impl State {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::NotReady => "not ready",
            Self::Waiting => "waiting",
            Self::Halted => "halted",
            Self::Draining => "draining",
            Self::Stopped => "stopped",
        }
    }
}

/// What the supervisor knows of one process.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub state: State,
    pub pid: Option<u32>,
    /// Where it is, once that is known.
    pub place: Option<Place>,
    /// How often it was started again.
    pub restarts: u32,
    /// Since when the present process runs.
    pub since: Option<Instant>,
    /// How the one before ended.
    pub last_end: Option<LastEnd>,
}

/// Where a process is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Where it does its work.
    pub address: String,
    /// Where it answers HTTP: whether it is ready, what it has counted.
    pub http: String,
}

/// How a process ended.
#[derive(Debug, Clone)]
pub(super) struct LastEnd {
    /// In words: `exited with code 1`.
    pub how: String,
    /// Its exit code, if it chose its end.
    pub code: Option<i32>,
}

impl Standing {
    /// Before its first start.
    pub fn unborn() -> Self {
        Self { state: State::Starting, pid: None, place: None, restarts: 0, since: None, last_end: None }
    }
}

/// What `GET /status` answers, and `tradewind status --json` prints. What only a supervisor knows is missing where there
/// is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShopStatus {
    /// Whether every process is ready; without a supervisor, whether every module has an instance that is.
    pub ready: bool,
    /// The supervisor's process.
    pub pid: Option<u32>,
    /// Its topology.
    pub topology: Option<String>,
    /// The data folder.
    pub data: Option<String>,
    /// How long the shop has been up, in milliseconds.
    pub uptime_ms: Option<u64>,
    /// The known addresses.
    pub addresses: Addresses,
    /// Every process; the supervisor itself is the last.
    pub processes: Vec<ProcessStatus>,
    /// The sums.
    pub totals: Totals,
}

/// One process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProcessStatus {
    /// Its name.
    pub name: String,
    /// The modules that it hosts; none where it is a supporting server.
    #[serde(default)]
    pub modules: Vec<String>,
    /// Its number, while it runs and a supervisor knows it.
    pub pid: Option<u32>,
    /// Where it does its work.
    pub address: Option<String>,
    /// Where it answers HTTP, when that is elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<String>,
    /// Whether it runs: its supervisor says so, or where there is none, it answers.
    #[serde(default)]
    pub runs: bool,
    /// What it is doing.
    pub state: State,
    /// Why it is not ready, in its own words.
    pub detail: Option<String>,
    /// How the process before it ended.
    pub last_end: Option<String>,
    /// Its proportional share of memory in KiB: memory that several processes share counts in part for
    /// each. Nothing where the system does not tell.
    pub pss_kib: Option<u64>,
    /// Its resident memory in KiB, in which shared memory counts in full.
    pub rss_kib: Option<u64>,
    /// How often it was started again, where a supervisor has counted.
    pub restarts: Option<u32>,
    /// How long the present process has been running, in milliseconds.
    pub uptime_ms: Option<u64>,
}

impl ShopStatus {
    /// The processes that are ready and host `module`.
    pub fn hosts_of<'a>(&'a self, module: &'a str) -> impl Iterator<Item = &'a ProcessStatus> {
        self.hosted().filter(move |(name, _)| *name == module).map(|(_, process)| process)
    }

    /// Every module with each process that is ready and hosts it.
    pub fn hosted(&self) -> impl Iterator<Item = (&str, &ProcessStatus)> {
        let ready = self.processes.iter().filter(|process| process.state == State::Ready);
        ready.flat_map(|process| process.modules.iter().map(move |module| (module.as_str(), process)))
    }
}

impl ProcessStatus {
    /// Where it answers HTTP.
    pub fn http_address(&self) -> Option<&str> {
        self.http.as_deref().or(self.address.as_deref())
    }
}

/// The sums over all processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Running processes.
    pub processes: usize,
    /// Proportional memory in KiB, where every process has it.
    pub pss_kib: Option<u64>,
    /// Resident memory in KiB.
    pub rss_kib: Option<u64>,
    /// Restarts, where every process has been counted.
    pub restarts: Option<u32>,
}

impl Totals {
    /// The sums of `processes`.
    pub fn of(processes: &[ProcessStatus]) -> Self {
        let running = || processes.iter().filter(|process| process.runs);
        Self {
            processes: running().count(),
            pss_kib: running().map(|process| process.pss_kib).sum(),
            rss_kib: running().map(|process| process.rss_kib).sum(),
            restarts: processes.iter().map(|process| process.restarts).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: Option<u32>, pss_kib: Option<u64>, restarts: Option<u32>) -> ProcessStatus {
        ProcessStatus {
            name: "orders".into(),
            modules: vec!["orders".into()],
            pid,
            address: None,
            http: None,
            runs: pid.is_some(),
            state: if pid.is_some() { State::Ready } else { State::Waiting },
            detail: None,
            last_end: None,
            pss_kib,
            rss_kib: Some(10),
            restarts,
            uptime_ms: None,
        }
    }

    #[test]
    fn a_sum_that_lacks_a_part_is_no_sum() {
        let [first, second, dead] = [
            process(Some(1), Some(3), Some(0)),
            process(Some(2), Some(4), Some(2)),
            process(None, None, Some(1)),
        ];
        let totals = Totals::of(&[first.clone(), second, dead]);
        assert_eq!((totals.processes, totals.pss_kib, totals.restarts), (2, Some(7), Some(3)));
        let totals = Totals::of(&[first, process(Some(2), None, None)]);
        assert_eq!((totals.pss_kib, totals.restarts), (None, None));
    }

    #[test]
    fn who_answers_runs_also_where_nobody_knows_its_number() {
        let unwell = ProcessStatus { runs: true, state: State::NotReady, ..process(None, None, None) };
        let away = ProcessStatus { runs: false, ..unwell.clone() };
        assert_eq!(Totals::of(&[unwell, away]).processes, 1);
    }
}
