//! The life of one process under its supervisor: started, watched, started again, halted, drained.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::child::{Identity, Launcher, Running};
use super::plan::Launch;
use super::ports::{self, Socket};
use super::ready::Probe;
use super::status::{LastEnd, Place, Standing, State};
use crate::exit;

/// How long a process may drain before it is killed: longer than one may rightly take, which is 2 s to
/// deregister, 0.2 s of lingering, 10 s for requests under way, 4 s for those from within where the others came in
/// at a door, and 5 s for background work (`chassis::process::run`). `down` waits for five stages of it.
const DRAIN_PATIENCE: Duration = Duration::from_secs(22);

/// What keeps one process running.
pub(super) struct Keeper {
    pub launch: Launch,
    /// What tells it apart at present; a restart takes what stands here.
    pub identity: watch::Receiver<Identity>,
    pub launcher: Launcher,
    pub probe: Probe,
    /// The sockets that it serves, as far as the supervisor owns them.
    pub sockets: Vec<Arc<Socket>>,
    /// Where it is, when that is known beforehand.
    pub place: Option<Place>,
    /// What others see of it.
    pub standing: watch::Sender<Standing>,
    /// Whether it shall run at present.
    pub wanted: watch::Receiver<Wanted>,
    /// Fires when it shall drain and end.
    pub drain: CancellationToken,
    /// Fires when it shall end at once.
    pub kill: CancellationToken,
}

/// Whether a process shall run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// It shall: if it dies it is started again.
    Running,
    /// It shall not, until somebody says so: to see what the others do without it.
    Halted,
}

/// How one life of a process ended.
enum End {
    /// As it was told.
    Drained,
    /// By itself.
    Died { end: LastEnd, healthy_for: Duration },
}

impl Keeper {
    /// Runs the process, again and again, until it is told to drain.
    pub async fn keep(mut self) {
        let mut backoff = Backoff::new();
        while !self.drain.is_cancelled() {
            if *self.wanted.borrow_and_update() == Wanted::Halted {
                self.rest().await;
                backoff = Backoff::new();
                continue;
            }
            let End::Died { end, healthy_for } = self.live().await else { continue };
            let wait = backoff.after(healthy_for);
            let name = self.launch.name.as_str();
            tracing::warn!(process = name, "{name} {}; starting it again in {wait:?}", end.how);
            self.standing.send_modify(|standing| {
                let restarts = standing.restarts;
                *standing =
                    Standing { state: State::Waiting, restarts, last_end: Some(end), ..Standing::unborn() };
            });
            tokio::select! {
                () = self.drain.cancelled() => break,
                () = said(&mut self.wanted, Wanted::Halted) => continue,
                () = tokio::time::sleep(wait) => {}
            }
            self.standing.send_modify(|standing| standing.restarts += 1);
        }
        self.standing.send_modify(|standing| {
            *standing = Standing { state: State::Stopped, pid: None, since: None, ..standing.clone() };
        });
    }

    /// Waits, without a process, until it shall run again or all is over. Whoever knocks meanwhile is turned
    /// away: a socket that stays open would promise that somebody comes.
    async fn rest(&mut self) {
        self.standing.send_modify(|standing| {
            let (restarts, last_end) = (standing.restarts, standing.last_end.clone());
            *standing = Standing { state: State::Halted, restarts, last_end, ..Standing::unborn() };
        });
        tokio::select! {
            () = self.drain.cancelled() => {}
            () = said(&mut self.wanted, Wanted::Running) => {}
            () = ports::turn_away(&self.sockets) => {}
        }
    }

    /// One life.
    async fn live(&mut self) -> End {
        let identity = *self.identity.borrow();
        let mut running = match self.launcher.start(&self.launch, identity, &self.sockets) {
            Ok(running) => running,
            Err(error) => {
                let end = LastEnd { how: format!("could not be started: {error}"), code: None };
                return End::Died { end, healthy_for: Duration::ZERO };
            }
        };
        let pid = running.pid;
        self.standing.send_modify(|standing| {
            *standing = Standing {
                state: State::Starting,
                pid: Some(pid),
                since: Some(Instant::now()),
                ..standing.clone()
            };
        });
        if let Some(end) = self.watch(&mut running).await {
            return end;
        }
        self.stop(running).await;
        End::Drained
    }

    /// Watches a running process until it dies; nothing when it shall drain before that.
    async fn watch(&self, running: &mut Running) -> Option<End> {
        let mut wanted = self.wanted.clone();
        let becomes_ready = self.probe.until_ready(&self.launch, self.place.clone(), running.pid);
        tokio::pin!(becomes_ready);
        let mut ready_since: Option<Instant> = None;
        loop {
            tokio::select! {
                ended = running.ended() => {
                    let healthy_for = ready_since.map_or(Duration::ZERO, |since| since.elapsed());
                    return Some(End::Died { end: last_end(ended), healthy_for });
                }
                place = &mut becomes_ready, if ready_since.is_none() => {
                    ready_since = Some(Instant::now());
                    self.standing.send_modify(|standing| {
                        standing.state = State::Ready;
                        standing.place = Some(place);
                    });
                }
                () = self.drain.cancelled() => return None,
                () = said(&mut wanted, Wanted::Halted) => return None,
            }
        }
    }

    /// Lets the process finish what it has begun.
    async fn stop(&mut self, mut running: Running) {
        self.standing.send_modify(|standing| standing.state = State::Draining);
        if self.drain.is_cancelled() {
            // ours are not the last handles of the sockets then: new connections are refused once the
            // process has let go of them, and do not wait for nobody
            self.sockets.clear();
        }
        running.signal(Signal::TERM);
        let name = self.launch.name.as_str();
        tokio::select! {
            _ = running.ended() => return,
            () = self.kill.cancelled() => {}
            () = tokio::time::sleep(DRAIN_PATIENCE) => {
                tracing::warn!(process = name, "{name} did not drain within {DRAIN_PATIENCE:?}: killed");
            }
        }
        running.signal(Signal::KILL);
        if let Err(error) = running.ended().await {
            tracing::warn!(process = name, %error, "{name} was killed, and then lost: {error}");
        }
    }
}

/// Waits until somebody wants `this`; for ever where nobody is left to say so.
async fn said(wanted: &mut watch::Receiver<Wanted>, this: Wanted) {
    if wanted.wait_for(|wanted| *wanted == this).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// How a process ended, or how we lost sight of it.
fn last_end(ended: io::Result<ExitStatus>) -> LastEnd {
    let status = match ended {
        Ok(status) => status,
        Err(error) => return LastEnd { how: format!("was lost: {error}"), code: None },
    };
    let how = match (status.code(), status.signal()) {
        (Some(code), _) if code == i32::from(exit::USAGE) => {
            format!("exited with code {code}: its configuration or its arguments are not valid")
        }
        (Some(code), _) => format!("exited with code {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => "ended".into(),
    };
    LastEnd { how, code: status.code() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_in_words_and_keeps_its_code() {
        // as `wait` encodes them: the code in the second byte, the signal in the first
        let exited = last_end(Ok(ExitStatus::from_raw(64 << 8)));
        assert!(exited.how.contains("not valid") && exited.code == Some(64), "{exited:?}");
        let killed = last_end(Ok(ExitStatus::from_raw(9)));
        assert!(killed.how.contains("signal 9") && killed.code.is_none(), "{killed:?}");
        assert!(last_end(Err(io::Error::other("no such child"))).how.contains("no such child"));
    }
}
