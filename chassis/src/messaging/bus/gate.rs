//! Whether messages flow in this process: a gate that those who carry them pass, and that can be shut.
//!
//! Shut, it stops nobody in the middle of anything: whoever is inside is told, finishes what it has begun and
//! leaves, and is let in again when the gate opens. Requests are none of its business: what a module has to
//! say meanwhile waits in its outbox.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How long those inside may take to finish before whoever shut the gate is told who is left.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether a gate lets anybody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GateState {
    /// Messages flow.
    #[default]
    Open,
    /// Nobody takes any.
    Held,
}

/// A gate. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Gate(Arc<watch::Sender<Inside>>);

#[derive(Debug)]
struct Inside {
    /// Tells those inside to leave; nothing while the gate is shut.
    open: Option<CancellationToken>,
    /// Who is inside, and how many of that name.
    at_work: BTreeMap<String, usize>,
}

/// What somebody inside is told.
#[derive(Debug, Clone)]
pub(in crate::messaging) struct Turn {
    /// Fires when nothing more is to be begun: the gate was shut, or the process drains.
    pub stop: CancellationToken,
    /// Fires when the process ends, which waits for nobody for long.
    pub shutdown: CancellationToken,
}

impl Turn {
    /// Returns when whoever was told to stop has to leave unfinished what it has begun: so long after the
    /// process was told to end. Where only the gate was shut there is no haste.
    pub async fn out_of_time(&self, patience: Duration) {
        self.shutdown.cancelled().await;
        sleep(patience).await;
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new(GateState::Open)
    }
}

impl Gate {
    /// One that begins so.
    pub fn new(state: GateState) -> Self {
        let open = (state == GateState::Open).then(CancellationToken::new);
        Self(Arc::new(watch::Sender::new(Inside { open, at_work: BTreeMap::new() })))
    }

    /// Whether it is open.
    pub fn state(&self) -> GateState {
        if self.0.borrow().open.is_some() { GateState::Open } else { GateState::Held }
    }

    /// Shuts it, and waits until everybody has left; returns who has not in the time that there is. They
    /// leave when they are done.
    pub async fn hold(&self) -> Vec<String> {
        self.hold_for(PATIENCE).await
    }

    async fn hold_for(&self, patience: Duration) -> Vec<String> {
        self.0.send_modify(|inside| {
            if let Some(open) = inside.open.take() {
                open.cancel();
            }
        });
        let mut observed = self.0.subscribe();
        let left = observed.wait_for(|inside| inside.at_work.is_empty());
        match timeout(patience, left).await {
            Ok(_) => Vec::new(),
            Err(_) => self.at_work(),
        }
    }

    /// Opens it.
    pub fn open(&self) {
        self.0.send_if_modified(|inside| {
            let was_held = inside.open.is_none();
            inside.open.get_or_insert_default();
            was_held
        });
    }

    /// Who is inside.
    pub fn at_work(&self) -> Vec<String> {
        self.0.borrow().at_work.keys().cloned().collect()
    }

    /// Does `work` whenever the gate is open, until `shutdown`, or until the work ends without being told to.
    pub(in crate::messaging) async fn while_open<F: Future<Output = ()>>(
        &self,
        who: &str,
        shutdown: CancellationToken,
        work: impl Fn(Turn) -> F,
    ) {
        while let Some((_pass, held)) = self.enter(who, &shutdown).await {
            let stop = shutdown.child_token();
            let mut working = pin!(work(Turn { stop: stop.clone(), shutdown: shutdown.clone() }));
            tokio::select! {
                () = &mut working => return,
                () = held.cancelled() => stop.cancel(),
            }
            working.await;
        }
    }

    /// Waits until the gate is open, and goes in; nothing after `shutdown`.
    async fn enter(&self, who: &str, shutdown: &CancellationToken) -> Option<(Pass, CancellationToken)> {
        let mut observed = self.0.subscribe();
        loop {
            let open = async { observed.wait_for(|inside| inside.open.is_some()).await.map(drop) };
            shutdown.run_until_cancelled(open).await?.ok()?;
            let mut held = None;
            // looked at and entered in one, so that whoever shuts the gate knows of everybody inside
            self.0.send_if_modified(|inside| {
                held.clone_from(&inside.open);
                if held.is_some() {
                    *inside.at_work.entry(who.to_owned()).or_default() += 1;
                }
                held.is_some()
            });
            if let Some(held) = held {
                return Some((Pass { gate: self.clone(), who: who.to_owned() }, held));
            }
        }
    }
}

/// Being inside, until it is dropped.
struct Pass {
    gate: Gate,
    who: String,
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.gate.0.send_modify(|inside| {
            if let Some(number) = inside.at_work.get_mut(&self.who) {
                *number -= 1;
                if *number == 0 {
                    inside.at_work.remove(&self.who);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    /// Work that counts how often it began, and needs to be let go after it was told to stop.
    #[derive(Default)]
    struct Work {
        began: AtomicUsize,
        go: Notify,
    }

    impl Work {
        fn at(self: &Arc<Self>, gate: &Gate, shutdown: &CancellationToken) -> tokio::task::JoinHandle<()> {
            let (work, gate, shutdown) = (self.clone(), gate.clone(), shutdown.clone());
            tokio::spawn(async move {
                let turn = async |turn: Turn| {
                    work.began.fetch_add(1, Ordering::SeqCst);
                    turn.stop.cancelled().await;
                    work.go.notified().await;
                };
                gate.while_open("the work", shutdown, turn).await;
            })
        }

        async fn began(&self, times: usize) {
            testkit::eventually("the work to begin", SOON, async || {
                (self.began.load(Ordering::SeqCst) == times).then_some(())
            })
            .await;
        }
    }

    #[tokio::test]
    async fn whoever_is_inside_finishes_and_comes_again_when_the_gate_opens() {
        let (gate, shutdown, work) = (Gate::default(), CancellationToken::new(), Arc::<Work>::default());
        let working = work.at(&gate, &shutdown);
        work.began(1).await;
        let holding = tokio::spawn({
            let gate = gate.clone();
            async move { gate.hold().await }
        });
        testkit::eventually("the gate to be shut", SOON, async || {
            (gate.state() == GateState::Held).then_some(())
        })
        .await;
        assert_eq!(gate.at_work(), ["the work"]);
        work.go.notify_one();
        assert!(holding.await.expect("no panic").is_empty());
        assert_eq!(work.began.load(Ordering::SeqCst), 1);

        gate.open();
        work.began(2).await;
        shutdown.cancel();
        work.go.notify_one();
        timeout(SOON, working).await.expect("ends").expect("no panic");
        assert!(gate.at_work().is_empty());
    }

    #[tokio::test]
    async fn whoever_shuts_it_is_told_who_does_not_leave() {
        let (gate, shutdown, work) = (Gate::default(), CancellationToken::new(), Arc::<Work>::default());
        work.at(&gate, &shutdown);
        work.began(1).await;
        assert_eq!(gate.hold_for(Duration::ZERO).await, ["the work"]);
        work.go.notify_one();
        assert!(gate.hold().await.is_empty(), "it leaves when it is done");
    }

    #[tokio::test]
    async fn one_that_begins_shut_lets_nobody_in_and_shutdown_ends_the_waiting() {
        let (gate, shutdown, work) =
            (Gate::new(GateState::Held), CancellationToken::new(), Arc::<Work>::default());
        let working = work.at(&gate, &shutdown);
        tokio::task::yield_now().await;
        assert_eq!((gate.state(), gate.at_work().len()), (GateState::Held, 0));
        shutdown.cancel();
        timeout(SOON, working).await.expect("ends").expect("no panic");
        assert_eq!(work.began.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn whoever_is_killed_inside_is_not_waited_for() {
        let (gate, shutdown, work) = (Gate::default(), CancellationToken::new(), Arc::<Work>::default());
        let working = work.at(&gate, &shutdown);
        work.began(1).await;
        working.abort();
        assert!(gate.hold().await.is_empty());
    }
}
