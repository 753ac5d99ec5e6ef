//! A registry lock, for work that only one instance may do at a time.
//!
//! The registry can only promise that it names one holder at a time, not that a holder which hangs
//! has noticed. So the holder watches its lock and stops when it is lost, the lock-delay gives it
//! time to, and whatever it writes carries [`Lock::fencing_token`], so that a store can refuse what
//! an earlier holder still sends.

use std::time::Duration;

use contracts::error::chain;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::backoff::Backoff;
use super::{Consul, DiscoveryError, SessionRequest};

/// How long letting go may take at shutdown, before it is left to the session's TTL.
const FAREWELL: Duration = Duration::from_secs(2);

/// Which lock is wanted, and on what terms.
#[derive(Debug, Clone)]
pub struct LockRequest {
    /// The key that is the lock.
    pub key: String,
    /// Who wants it: written into the key, for humans.
    pub holder: String,
    /// The instance's check: the lock is lost with it.
    pub check: Option<String>,
    /// The session's TTL: how long a holder may be out of touch (10 s at least on a stock registry).
    pub session_ttl: Duration,
    /// How long a lock that was lost, not released, stays closed to everybody.
    pub lock_delay: Duration,
}

/// A lock that is held. Dropping it lets it go.
#[derive(Debug)]
pub struct Lock {
    fencing_token: u64,
    lost: CancellationToken,
    stop: DropGuard,
    task: JoinHandle<()>,
}

impl Lock {
    /// Waits for the lock, however long another holds it, and keeps it. Only `shutdown` ends the wait.
    pub async fn hold(
        consul: &Consul,
        request: LockRequest,
        shutdown: &CancellationToken,
    ) -> Result<Self, DiscoveryError> {
        let stop = shutdown.child_token();
        let guard = stop.clone().drop_guard();
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
        let mut unheard = false;
        loop {
            let standby = Standby::enter(consul.clone(), request.clone(), &stop);
            let taken = async { standby.await?.wait().await };
            match stop.run_until_cancelled(taken).await {
                None => return Err(DiscoveryError::ShuttingDown),
                Some(Ok((fencing_token, lost, task))) => {
                    return Ok(Self { fencing_token, lost, stop: guard, task });
                }
                Some(Err(error)) => {
                    // at a start this is usual: the instance's check is about to be registered
                    if !std::mem::replace(&mut unheard, true) {
                        let (lock, why) = (&request.key, chain(&error));
                        tracing::info!(lock, why, "cannot wait for {lock} yet, trying on: {why}");
                    }
                    if stop.run_until_cancelled(sleep(backoff.pause())).await.is_none() {
                        return Err(DiscoveryError::ShuttingDown);
                    }
                }
            }
        }
    }

    /// A number that is greater for every later holder: the registry's index when the lock was taken.
    pub fn fencing_token(&self) -> u64 {
        self.fencing_token
    }

    /// Cancelled when the lock is held no longer, or nobody can say that it is.
    pub fn lost(&self) -> CancellationToken {
        self.lost.clone()
    }

    /// Lets the lock go, so that a standby takes over at once.
    pub async fn release(self) {
        self.stop.disarm().cancel();
        if self.task.await.is_err() {
            tracing::error!("the keeper of a lock ended in a panic; the session's TTL frees it");
        }
    }
}

/// A live session that waits for the lock.
struct Standby {
    consul: Consul,
    request: LockRequest,
    session: String,
    lost: CancellationToken,
    /// Ends the keeper when the wait is given up, and so destroys the session.
    stop: DropGuard,
    task: JoinHandle<()>,
}

impl Standby {
    async fn enter(
        consul: Consul,
        request: LockRequest,
        stop: &CancellationToken,
    ) -> Result<Self, DiscoveryError> {
        let session = consul
            .session_create(&SessionRequest {
                name: request.holder.clone(),
                ttl: request.session_ttl,
                lock_delay: request.lock_delay,
                check: request.check.clone(),
            })
            .await?;
        let (lost, stop) = (CancellationToken::new(), stop.child_token());
        let keeper = Keeper {
            consul: consul.clone(),
            key: request.key.clone(),
            session: session.clone(),
            ttl: request.session_ttl,
        };
        let task = tokio::spawn(keeper.keep(stop.clone(), lost.clone()));
        Ok(Self { consul, request, session, lost, stop: stop.drop_guard(), task })
    }

    /// Waits until the lock is ours, or the session has ended.
    async fn wait(self) -> Result<(u64, CancellationToken, JoinHandle<()>), DiscoveryError> {
        let taken = self.lost.run_until_cancelled(self.take()).await;
        let fencing_token = taken.unwrap_or_else(|| Err(self.ended()))?;
        let watch = HeldKey {
            consul: self.consul,
            key: self.request.key,
            session: self.session,
            lost: self.lost.clone(),
        };
        // From here on the guard of the whole lock ends the keeper, through the parent token.
        let stop = self.stop.disarm();
        tokio::spawn(async move { stop.run_until_cancelled(watch.watch(fencing_token)).await });
        Ok((fencing_token, self.lost, self.task))
    }

    fn ended(&self) -> DiscoveryError {
        DiscoveryError::Unknown {
            call: "lock",
            registry: self.consul.address().to_owned(),
            message: format!("the session that waited for {} has ended", self.request.key),
        }
    }

    async fn take(&self) -> Result<u64, DiscoveryError> {
        let LockRequest { key, holder, session_ttl, .. } = &self.request;
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_millis(500));
        let mut index = 0;
        loop {
            let value = holder.clone().into_bytes();
            let acquired = self.consul.lock_acquire(key, &self.session, value).await?;
            let wait = if acquired { 0 } else { index };
            let answer = self.consul.kv_get(key, wait, *session_ttl).await?;
            index = if answer.index < index { 0 } else { answer.index };
            match answer.value {
                Some(entry) if entry.session.as_ref() == Some(&self.session) => {
                    return Ok(entry.modify_index);
                }
                // Held by another: the next question waits for a change of the key.
                Some(entry) if entry.session.is_some() => {}
                // Free but not to be had: the lock-delay runs, and no change of the key marks its end.
                _ => {
                    index = 0;
                    sleep(backoff.pause()).await;
                }
            }
        }
    }
}

/// Keeps a session alive.
struct Keeper {
    consul: Consul,
    key: String,
    session: String,
    ttl: Duration,
}

impl Keeper {
    /// Renews until told to stop, then lets go in good order; or says that the session is lost.
    async fn keep(self, stop: CancellationToken, lost: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = lost.cancelled() => {}
            () = self.renew() => {}
        }
        lost.cancel();
        let farewell = async {
            // Release first: a session that ends while it holds a lock leaves a lock-delay behind.
            let released = self.consul.lock_release(&self.key, &self.session).await;
            released.and(self.consul.session_destroy(&self.session).await)
        };
        if !matches!(timeout(FAREWELL, farewell).await, Ok(Ok(()))) {
            tracing::warn!(lock = self.key, "could not let go of {}; the session's TTL will", self.key);
        }
    }

    /// Returns when the session has ended, or could have: nobody renewed it for its whole TTL.
    async fn renew(&self) {
        let interval = self.ttl / 3;
        let mut renewed = Instant::now();
        loop {
            sleep(interval).await;
            let begun = Instant::now();
            match timeout(interval, self.consul.session_renew(&self.session)).await {
                Ok(Ok(())) => renewed = begun,
                Ok(Err(DiscoveryError::Unknown { .. })) => return,
                Ok(Err(_)) | Err(_) if renewed.elapsed() + interval >= self.ttl => return,
                Ok(Err(_)) | Err(_) => {}
            }
        }
    }
}

/// Watches a key that we hold.
struct HeldKey {
    consul: Consul,
    key: String,
    session: String,
    lost: CancellationToken,
}

impl HeldKey {
    /// Fires `lost` as soon as the registry shows the key without our session.
    async fn watch(self, mut index: u64) {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
        while !self.lost.is_cancelled() {
            let asked = self.consul.kv_get(&self.key, index, Duration::from_secs(60));
            let Some(answer) = self.lost.run_until_cancelled(asked).await else { return };
            match answer {
                Ok(answer) => {
                    let held =
                        answer.value.is_some_and(|entry| entry.session.as_ref() == Some(&self.session));
                    if !held {
                        tracing::warn!(lock = self.key, "lost {}", self.key);
                        self.lost.cancel();
                    }
                    index = if answer.index < index { 0 } else { answer.index };
                    backoff.reset();
                    sleep(Duration::from_millis(10)).await;
                }
                // The registry is away: whether the lock still holds is the keeper's to judge, by its TTL.
                Err(_) => sleep(backoff.pause()).await,
            }
        }
    }
}
