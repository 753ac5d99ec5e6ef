//! Keeps one connection to the broker: makes it, watches it, and makes another when it is lost. Queues are
//! declared with each; whoever uses a connection sees that it is lost and takes the next.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::address::BrokerAddress;
use super::fault::Fault;
use super::kept::{Kept, Purpose, State};
use super::link::Link;
use super::metrics;
use crate::backoff::Backoff;

/// The first attempt after a loss comes soon: most are a broker that restarts or a cut.
const RETRY: Backoff = Backoff { first: Duration::from_millis(50), longest: Duration::from_secs(3) };
/// A connection that lasted as long was a good one.
const STEADY: Duration = Duration::from_secs(2);
/// A fault that stays the same is said again after so many attempts.
const REMIND: u32 = 20;
/// How long those who use the connection may take to finish, once this process is told to stop.
const FINISH: Duration = Duration::from_secs(4);

pub(super) struct Supervisor {
    address: BrokerAddress,
    name: String,
    purpose: Purpose,
    state: watch::Sender<State>,
    // those who use the connection and have something to finish
    users: TaskTracker,
    shutdown: CancellationToken,
}

impl Supervisor {
    /// Keeps a connection in the background until `shutdown`, and then until those in `users` have finished;
    /// or until nobody is left to use it.
    pub(super) fn start(
        address: BrokerAddress,
        name: &str,
        purpose: Purpose,
        users: TaskTracker,
        shutdown: CancellationToken,
    ) -> Kept {
        let (state, observed) = watch::channel(State::Away("it is being connected to".to_owned()));
        let name = format!("{name} ({purpose})");
        tokio::spawn(Self { address, name, purpose, state, users, shutdown }.run());
        Kept(observed)
    }

    async fn run(self) {
        tokio::select! {
            () = self.keep() => {}
            () = self.stopped() => {}
            () = self.state.closed() => {}
        }
        let last = self.state.send_replace(State::Stopped);
        metrics::disconnected(self.purpose);
        if let State::Here(link) = last {
            link.close().await;
        }
    }

    /// Returns when this process has been told to stop and those who had something to finish have.
    async fn stopped(&self) {
        self.shutdown.cancelled().await;
        self.users.close();
        // whoever takes longer has its messages delivered again
        let _ = tokio::time::timeout(FINISH, self.users.wait()).await;
    }

    async fn keep(&self) {
        let mut failures: u32 = 0;
        let mut last = None;
        loop {
            match Link::open(&self.address, &self.name).await {
                Ok(link) => {
                    tracing::info!("connected to the broker at {} for {}", self.address, self.purpose);
                    metrics::connected(self.purpose);
                    let since = Instant::now();
                    self.state.send_replace(State::Here(link.clone()));
                    link.watch().await;
                    let why = link.why_lost();
                    metrics::disconnected(self.purpose);
                    tracing::warn!(why, "the connection to the broker for {} was lost: {why}", self.purpose);
                    self.state.send_replace(State::Away(why));
                    last = None;
                    // one that breaks at once, again and again, is no success
                    if since.elapsed() > STEADY {
                        failures = 0;
                    }
                }
                Err(fault) => {
                    if last.as_ref() != Some(&fault) || failures.is_multiple_of(REMIND) {
                        self.report(&fault);
                    }
                    self.state.send_replace(State::Away(fault.text().to_owned()));
                    last = Some(fault);
                }
            }
            failures = failures.saturating_add(1);
            tokio::time::sleep(RETRY.after(failures)).await;
        }
    }

    fn report(&self, fault: &Fault) {
        let (broker, purpose, why) = (&self.address, self.purpose, fault.text());
        match fault {
            Fault::Passing(_) => tracing::warn!(why, "no connection for {purpose} to {broker}: {why}"),
            Fault::Standing(_) => tracing::error!(why, "no connection for {purpose} to {broker}: {why}"),
        }
    }
}
