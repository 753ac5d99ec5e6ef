//! All processes of the shop: started together, drained in order, replaced while the shop runs.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use parking_lot::RwLock;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::child::{self, Identity, Launcher, Messages};
use super::plan::{Inside, Launch, Stage};
use super::ports::Socket;
use super::ready::Probe;
use super::sockets::Sockets;
use super::status::{Standing, State};
use super::supervise::{Keeper, Wanted};
use crate::exit::{self, Ending};

/// How long the first start may take before it is given up.
const START_PATIENCE: Duration = Duration::from_secs(60);
/// A process that has died this often without ever having been ready will not be by itself.
const HOPELESS_AFTER: u32 = 4;
/// How long a process may take to drain and end.
const HALT_PATIENCE: Duration = Duration::from_secs(24);
const LOOK_AGAIN: Duration = Duration::from_millis(80);

/// The processes of one shop.
pub(super) struct Fleet {
    launcher: Launcher,
    members: RwLock<Vec<Arc<Member>>>,
    kill: CancellationToken,
}

/// One of them, as the others see it.
pub(super) struct Member {
    pub launch: Launch,
    log: PathBuf,
    identity: watch::Sender<Identity>,
    standing: watch::Receiver<Standing>,
    wanted: watch::Sender<Wanted>,
    drain: CancellationToken,
}

impl Fleet {
    /// Nobody yet.
    pub fn new(launcher: Launcher) -> Self {
        Self { launcher, members: RwLock::default(), kill: CancellationToken::new() }
    }

    /// Starts processes, each with the sockets that the supervisor owns for it.
    pub fn start(
        &self,
        launches: Vec<Launch>,
        sockets: &Sockets,
        probe: &Probe,
        messages: Messages,
    ) -> io::Result<Vec<Arc<Member>>> {
        let started = launches.into_iter().map(|launch| {
            let member = Arc::new(self.keep(launch, sockets, probe, messages)?);
            self.members.write().push(member.clone());
            Ok(member)
        });
        started.collect()
    }

    fn keep(
        &self,
        launch: Launch,
        sockets: &Sockets,
        probe: &Probe,
        messages: Messages,
    ) -> io::Result<Member> {
        let mut served: Vec<_> = launch.doors.iter().filter_map(|door| sockets.at(*door)).collect();
        let mut handed = None;
        if launch.inside == Inside::Handed {
            let socket = Socket::anywhere()?;
            handed = Some(socket.address());
            served.push(Arc::new(socket));
        }
        let (standing, seen) = watch::channel(Standing::unborn());
        let (wanted, told) = watch::channel(Wanted::Running);
        let (identity, known) = watch::channel(Identity { instance: self.free_instance(&launch), messages });
        let drain = CancellationToken::new();
        let keeper = Keeper {
            place: launch.place(handed),
            launch: launch.clone(),
            identity: known,
            launcher: self.launcher.clone(),
            probe: probe.clone(),
            sockets: served,
            standing,
            wanted: told,
            drain: drain.clone(),
            kill: self.kill.clone(),
        };
        tokio::spawn(keeper.keep());
        let log = self.launcher.log_of(&launch.name);
        Ok(Member { launch, log, identity, standing: seen, wanted, drain })
    }

    /// The smallest number that nobody has who hosts one of the same modules.
    fn free_instance(&self, launch: &Launch) -> u32 {
        let members = self.members.read();
        let shares =
            |member: &&Arc<Member>| member.launch.roles.iter().any(|role| launch.roles.contains(role));
        let taken: Vec<_> =
            members.iter().filter(shares).map(|member| member.identity.borrow().instance).collect();
        (1..).find(|number| !taken.contains(number)).unwrap_or(u32::MAX)
    }

    /// Every process.
    pub fn members(&self) -> Vec<Arc<Member>> {
        self.members.read().clone()
    }

    /// Waits until `members` are ready, showing now and then who is not. Gives up, saying why, on what will not
    /// come.
    pub async fn until_ready(
        &self,
        members: &[Arc<Member>],
        mut show: impl FnMut(&[&str]),
    ) -> anyhow::Result<()> {
        let all = join_all(members.iter().map(|member| member.until(State::Ready)));
        tokio::pin!(all);
        let patience = Instant::now() + START_PATIENCE;
        let mut looks = tokio::time::interval(LOOK_AGAIN);
        loop {
            tokio::select! {
                _ = &mut all => return Ok(()),
                _ = looks.tick() => {
                    let missing: Vec<_> =
                        members.iter().map(Arc::as_ref).filter(|member| !member.is(State::Ready)).collect();
                    if Instant::now() >= patience || missing.iter().any(|member| member.is_hopeless()) {
                        return Err(not_started(&missing));
                    }
                    show(&missing.iter().map(|member| member.launch.name.as_str()).collect::<Vec<_>>());
                }
            }
        }
    }

    /// Drains every process.
    pub async fn drain(&self) {
        self.retire(&self.members()).await;
    }

    /// Drains processes, callers before those they call, and forgets them.
    pub async fn retire(&self, members: &[Arc<Member>]) {
        for stage in Stage::IN_ORDER {
            let of_stage: Vec<_> = members.iter().filter(|member| member.launch.stage() == stage).collect();
            for member in &of_stage {
                member.drain.cancel();
            }
            join_all(of_stage.iter().map(|member| member.until(State::Stopped))).await;
        }
        self.members.write().retain(|member| !members.iter().any(|gone| Arc::ptr_eq(gone, member)));
    }

    /// Halts a process, or lets it run again, and waits until that is so.
    pub async fn want(&self, name: &str, wanted: Wanted) -> Result<(), String> {
        let members = self.members();
        let mut restful = members.iter().filter(|member| member.launch.may_rest());
        let Some(member) = restful.clone().find(|member| member.launch.name == name) else {
            let names: Vec<_> = restful.by_ref().map(|member| member.launch.name.as_str()).collect();
            let names = if names.is_empty() { "nothing in this topology".into() } else { names.join(", ") };
            return Err(format!("{name:?} cannot be stopped alone; what can be is: {names}"));
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

    /// What it shall do about messages when it is started again.
    pub fn restarts_with(&self, messages: Messages) {
        self.identity.send_modify(|identity| identity.messages = messages);
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
        let (name, log) = (&self.launch.name, self.log.display());
        let how = self.standing().last_end.map_or_else(|| "runs, and is not ready".into(), |end| end.how);
        let words = child::last_words(&self.log).unwrap_or_default().replace('\n', "\n    ");
        format!("\n  {name} {how}\n    {words}\n    (from its log {log})")
    }

    /// Waits until it is in `state`, or its keeper is gone.
    pub async fn until(&self, state: State) {
        let _ = self.standing.clone().wait_for(|standing| standing.state == state).await;
    }
}

/// What is known about why those of `members` are not ready that are not.
pub(super) fn complaints(members: &[Arc<Member>]) -> String {
    members.iter().filter(|member| !member.is(State::Ready)).map(|member| member.complaint()).collect()
}

/// Why processes did not start: those that died, else those that are not ready.
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
