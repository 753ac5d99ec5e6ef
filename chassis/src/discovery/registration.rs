//! Being found: keeps one instance registered and its TTL check passing.

use std::time::Duration;

use contracts::error::chain;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::backoff::Backoff;
use super::{Consul, DiscoveryError, Instance};

/// How long the last call, which takes the instance out of the registry, may take.
const FAREWELL: Duration = Duration::from_secs(2);
/// How often to say again that an instance cannot be registered.
const REMIND: Duration = Duration::from_secs(30);
/// The shortest TTL, at ten heartbeats a second; what asks for less gets this. A TTL outlives outages
/// of up to two thirds of it, less the time that a call takes: 200 ms of this one at most.
const SHORTEST_TTL: Duration = Duration::from_millis(300);

/// An instance that is registered for as long as this value lives.
///
/// A heartbeat goes out every third of the TTL. When the registry no longer knows the check, or
/// comes back after it was away, the instance registers again. Shutdown, [`Registration::deregister`]
/// and dropping the value take it out of the registry; `kill -9` leaves that to the TTL.
#[derive(Debug)]
pub struct Registration {
    check: String,
    state: watch::Receiver<State>,
    stop: DropGuard,
    task: JoinHandle<()>,
}

/// Whether the registry has heard of the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Pending,
    Registered,
}

impl Registration {
    /// Begins to register `instance`, and keeps trying while the registry is away. Must be called
    /// within a tokio runtime.
    pub fn start(consul: Consul, instance: Instance, ttl: Duration, shutdown: &CancellationToken) -> Self {
        let check = format!("service:{}", instance.id);
        let stop = shutdown.child_token();
        let (told, state) = watch::channel(State::Pending);
        let heart = Heart { consul, instance, check: check.clone(), ttl: ttl.max(SHORTEST_TTL), told };
        let task = tokio::spawn(heart.beat_until(stop.clone()));
        Self { check, state, stop: stop.drop_guard(), task }
    }

    /// The id of the instance's check, which sessions bind themselves to.
    pub fn check(&self) -> &str {
        &self.check
    }

    /// Waits until the registry knows the instance.
    pub async fn registered(&self) -> Result<(), DiscoveryError> {
        let mut state = self.state.clone();
        let reached = state.wait_for(|state| *state == State::Registered).await;
        reached.map(drop).map_err(|_| DiscoveryError::ShuttingDown)
    }

    /// Takes the instance out of the registry, and returns when that is done or has been tried for 2 s.
    pub async fn deregister(self) {
        self.stop.disarm().cancel();
        if self.task.await.is_err() {
            tracing::error!("the heartbeat ended in a panic; its TTL takes the instance out");
        }
    }
}

/// The task behind a registration.
struct Heart {
    consul: Consul,
    instance: Instance,
    check: String,
    ttl: Duration,
    told: watch::Sender<State>,
}

impl Heart {
    async fn beat_until(self, stop: CancellationToken) {
        stop.run_until_cancelled(self.beat()).await;
        let id = &self.instance.id;
        match timeout(FAREWELL, self.consul.deregister(id)).await {
            Ok(Ok(())) => tracing::info!(instance = id, "deregistered {id}"),
            Ok(Err(error)) => {
                let why = chain(&error);
                tracing::warn!(instance = id, why, "cannot deregister {id}, its TTL will: {why}");
            }
            Err(_) => tracing::warn!(instance = id, "no time to deregister {id}; its TTL will"),
        }
    }

    /// Registers, beats, and registers again whenever a beat fails.
    async fn beat(&self) {
        let interval = self.ttl / 3;
        let mut backoff = Backoff::new(interval.min(Duration::from_millis(100)), interval);
        let mut said: Option<(String, Instant)> = None;
        loop {
            let begun = Instant::now();
            match self.register().await {
                Ok(()) => {
                    backoff.reset();
                    said = None;
                    self.told.send_replace(State::Registered);
                    sleep(interval.saturating_sub(begun.elapsed())).await;
                    self.pass_while_known(interval).await;
                }
                Err(error) => {
                    let (id, why) = (&self.instance.id, chain(&error));
                    let news = said.as_ref().is_none_or(|(last, at)| *last != why || at.elapsed() >= REMIND);
                    if news {
                        tracing::warn!(instance = id, why, "cannot register {id} yet, trying on: {why}");
                        said = Some((why, Instant::now()));
                    }
                    sleep(backoff.pause()).await;
                }
            }
        }
    }

    /// Registration keeps the state of a check that is there already, so a pass follows it.
    async fn register(&self) -> Result<(), DiscoveryError> {
        self.consul.register(&self.instance, &self.check, self.ttl).await?;
        self.consul.pass(&self.check).await
    }

    /// Beats until a beat fails.
    async fn pass_while_known(&self, interval: Duration) {
        loop {
            let begun = Instant::now();
            // A registry that hangs must not cost more than one beat.
            let error = match timeout(interval, self.consul.pass(&self.check)).await {
                Ok(Ok(())) => {
                    sleep(interval.saturating_sub(begun.elapsed())).await;
                    continue;
                }
                Ok(Err(error)) => chain(&error),
                Err(_) => "no answer in time".to_owned(),
            };
            let id = &self.instance.id;
            tracing::warn!(instance = id, error, "a heartbeat of {id} failed, registering again: {error}");
            return;
        }
    }
}
