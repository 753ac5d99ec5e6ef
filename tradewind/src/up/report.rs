//! Gathers what `GET /status` tells.

use std::sync::Arc;
use std::time::Instant;

use futures::future::join_all;

use super::fleet::Member;
use super::memory::{self, Memory};
use super::ready::Probe;
use super::shop::Shop;
use super::status::{ProcessStatus, ShopStatus, State, Totals};
use crate::folder::UpFile;

/// What the supervisor knows of itself.
pub(super) struct Reporter {
    pub shop: Arc<Shop>,
    pub probe: Probe,
    pub begun: Instant,
}

impl Reporter {
    /// How the shop is doing at this moment: each process is asked.
    pub async fn status(&self) -> ShopStatus {
        let (members, up) = (self.shop.fleet.members(), self.shop.announced());
        let mut processes = join_all(members.iter().map(|member| self.process(member))).await;
        let ready = processes.iter().all(|process| process.state == State::Ready);
        processes.push(self.supervisor(&up).await);
        ShopStatus {
            ready,
            pid: Some(up.pid),
            topology: Some(self.shop.arrangement().running().name.clone()),
            data: Some(self.shop.folder.path().display().to_string()),
            uptime_ms: Some(millis(self.begun)),
            addresses: up.addresses,
            totals: Totals::of(&processes),
            processes,
        }
    }

    async fn process(&self, member: &Member) -> ProcessStatus {
        let standing = member.standing();
        let (mut state, mut detail) = (standing.state, None);
        if let (State::Ready, Some(place)) = (state, &standing.place)
            && let Err(reason) = self.probe.ready(&place.http).await
        {
            (state, detail) = (State::NotReady, Some(reason));
        }
        let memory = memory_of(standing.pid).await;
        let (address, http) = standing.place.map(|place| (place.address, place.http)).unzip();
        ProcessStatus {
            name: member.launch.name.clone(),
            modules: member.launch.modules().map(|part| part.name().to_owned()).collect(),
            pid: standing.pid,
            http: http.filter(|http| Some(http) != address.as_ref()),
            address,
            runs: standing.pid.is_some(),
            state,
            detail,
            last_end: standing.last_end.map(|end| end.how),
            pss_kib: memory.pss_kib,
            rss_kib: memory.rss_kib,
            restarts: Some(standing.restarts),
            uptime_ms: standing.since.map(millis),
        }
    }

    async fn supervisor(&self, up: &UpFile) -> ProcessStatus {
        let memory = memory_of(Some(up.pid)).await;
        ProcessStatus {
            name: "supervisor".into(),
            modules: Vec::new(),
            pid: Some(up.pid),
            address: up.control.strip_prefix("http://").map(str::to_owned),
            http: None,
            runs: true,
            state: State::Ready,
            detail: None,
            last_end: None,
            pss_kib: memory.pss_kib,
            rss_kib: memory.rss_kib,
            restarts: Some(0),
            uptime_ms: Some(millis(self.begun)),
        }
    }
}

async fn memory_of(pid: Option<u32>) -> Memory {
    let Some(pid) = pid else { return Memory::default() };
    tokio::task::spawn_blocking(move || memory::of(pid)).await.unwrap_or_default()
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
