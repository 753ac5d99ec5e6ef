//! All processes of the shop: started at once, drained in order.

use std::time::Duration;

use futures::future::join_all;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::child::{self, Launcher};
use super::plan::{Launch, Stage};
use super::ports::Socket;
use super::ready::Probe;
use super::status::{Standing, State};
use super::supervise::{Keeper, Wanted};
use crate::exit::{self, Ending};

/// How long the first start may take before it is given up.
const START_PATIENCE: Duration = Duration::from_secs(60);
/// A process that has died this often without ever having been ready will not be by itself.
const HOPELESS_AFTER: u32 = 4;
/// How long a process may take to drain and end.
const HALT_PATIENCE: Duration = Duration::from_secs(20);
const LOOK_AGAIN: Duration = Duration::from_millis(80);

/// The processes of one shop.
pub(super) struct Fleet {
    members: Vec<Member>,
    kill: CancellationToken,
}

/// One of them, as the others see it.
pub(super) struct Member {
    pub launch: Launch,
    log: std::path::PathBuf,
    standing: watch::Receiver<Standing>,
    wanted: watch::Sender<Wanted>,
    drain: CancellationToken,
}

impl Fleet {
    /// Starts every process, each with the sockets that the supervisor owns for it.
    pub fn start(launches: Vec<(Launch, Vec<Socket>)>, launcher: &Launcher, probe: &Probe) -> Self {
        let kill = CancellationToken::new();
        let members = launches.into_iter().map(|(launch, sockets)| {
            let (sender, standing) = watch::channel(Standing::unborn());
            let drain = CancellationToken::new();
            let (wanted, told) = watch::channel(Wanted::Running);
            let log = launcher.log_of(&launch);
            let keeper = Keeper {
                launch: launch.clone(),
                launcher: launcher.clone(),
                probe: probe.clone(),
                sockets,
                standing: sender,
                wanted: told,
                drain: drain.clone(),
                kill: kill.clone(),
            };
            tokio::spawn(keeper.keep());
            Member { launch, log, standing, wanted, drain }
        });
        Self { members: members.collect(), kill }
    }

    /// Every process.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Waits until every process is ready, showing now and then who is not. Gives up, saying why, on
    /// what will not come.
    pub async fn until_ready(&self, mut show: impl FnMut(&[&str])) -> anyhow::Result<()> {
        let all = join_all(self.members.iter().map(|member| member.until(State::Ready)));
        tokio::pin!(all);
        let patience = Instant::now() + START_PATIENCE;
        let mut looks = tokio::time::interval(LOOK_AGAIN);
        loop {
            tokio::select! {
                _ = &mut all => return Ok(()),
                _ = looks.tick() => {
                    let missing: Vec<_> = self.members.iter().filter(|member| !member.is(State::Ready)).collect();
                    if Instant::now() >= patience || missing.iter().any(|member| member.is_hopeless()) {
                        return Err(not_started(&missing));
                    }
                    show(&missing.iter().map(|member| member.launch.process.name()).collect::<Vec<_>>());
                }
            }
        }
    }

    /// Drains every process: callers before those they call.
    pub async fn drain(&self) {
        for stage in Stage::IN_ORDER {
            let of_stage: Vec<_> =
                self.members.iter().filter(|member| Stage::of(member.launch.process) == stage).collect();
            for member in &of_stage {
                member.drain.cancel();
            }
            join_all(of_stage.iter().map(|member| member.until(State::Stopped))).await;
        }
    }

    /// Halts a process, or lets it run again, and waits until that is so.
    pub async fn want(&self, name: &str, wanted: Wanted) -> Result<(), String> {
        let member = self.members.iter().find(|member| member.launch.process.name() == name);
        let Some(member) = member.filter(|member| member.launch.may_rest()) else {
            let those = self.members.iter().filter(|member| member.launch.may_rest());
            let names: Vec<_> = those.map(|member| member.launch.process.name()).collect();
            return Err(format!("{name:?} is not one of {}", names.join(", ")));
        };
        member.wanted.send_replace(wanted);
        let (state, patience) = match wanted {
            Wanted::Running => (State::Ready, START_PATIENCE),
            Wanted::Halted => (State::Halted, HALT_PATIENCE),
        };
        let reached = tokio::time::timeout(patience, member.until(state)).await;
        reached.map_err(|_| {
            format!("{name} is not {} within {patience:?}{}", state.as_str(), member.complaint())
        })
    }

    /// Ends every process at once.
    pub async fn kill(&self) {
        self.kill.cancel();
        self.drain().await;
    }
}

impl Member {
    /// How it stands.
    pub fn standing(&self) -> Standing {
        self.standing.borrow().clone()
    }

    fn is(&self, state: State) -> bool {
        self.standing.borrow().state == state
    }

    /// Whether it died of its configuration, which no further start mends.
    fn is_misconfigured(&self) -> bool {
        let code = self.standing.borrow().last_end.as_ref().and_then(|end| end.code);
        code == Some(i32::from(exit::USAGE))
    }

    fn is_hopeless(&self) -> bool {
        self.is_misconfigured() || self.standing.borrow().restarts >= HOPELESS_AFTER
    }

    /// What is known about why it is not ready.
    fn complaint(&self) -> String {
        let (name, log) = (self.launch.process.name(), self.log.display());
        let how = self.standing().last_end.map_or_else(|| "runs, and is not ready".into(), |end| end.how);
        let words = child::last_words(&self.log).unwrap_or_default().replace('\n', "\n    ");
        format!("\n  {name} {how}\n    {words}\n    (from its log {log})")
    }

    /// Waits until it is in `state`, or its keeper is gone.
    async fn until(&self, state: State) {
        let _ = self.standing.clone().wait_for(|standing| standing.state == state).await;
    }
}

/// Why the shop did not start: those that died, else those that are not ready.
fn not_started(missing: &[&Member]) -> anyhow::Error {
    let died: Vec<_> =
        missing.iter().copied().filter(|member| member.standing().last_end.is_some()).collect();
    let to_blame = if died.is_empty() { missing } else { &died };
    let complaints: String = to_blame.iter().map(|member| member.complaint()).collect();
    let text = format!("the shop did not start{complaints}");
    if died.iter().any(|member| member.is_misconfigured()) {
        Ending::Usage(text).into()
    } else {
        anyhow::Error::msg(text)
    }
}
