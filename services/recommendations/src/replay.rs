//! Builds the model anew from the beginning of the log, while the old one goes on answering and reading.
//!
//! The new generation never reads further than the old one has. Where it has come as far, the two are
//! compared at that one offset, and the new one takes over, all in one transaction; live reading waits for
//! so long, answers do not. How far the new generation has come is stored with it, so a replay that was
//! interrupted is gone on with: by whichever instance is there, or by several at once, which does no harm.

mod control;
mod status;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chassis::clock::Clock;
use chassis::config::Live;
use chassis::store::StoreError;
use contracts::{Code, PortError, PortResult, Problem};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::config::ReplayConfig;
use crate::log::{EventLog, LogEntry, LogReader};
use crate::projection::{self, Advance, Read, advance, end_of, parts, say, stretch};
use crate::store::{Dropped, ModelStore, Role, Stretch, Switched};

pub use control::routes;
pub use status::{ReplayState, ReplayStatus, Verdict, VerdictKind};

/// Begins replays, and carries them out.
pub struct Replays {
    store: Arc<dyn ModelStore>,
    log: Arc<dyn EventLog>,
    clock: Arc<dyn Clock>,
    config: Live<ReplayConfig>,
    asked: Notify,
}

impl Replays {
    /// Of what `store` keeps, from `log`.
    pub fn new(
        store: Arc<dyn ModelStore>,
        log: Arc<dyn EventLog>,
        clock: Arc<dyn Clock>,
        config: Live<ReplayConfig>,
    ) -> Arc<Self> {
        Arc::new(Self { store, log, clock, config, asked: Notify::new() })
    }

    /// Begins a replay. `in_progress` while one runs; `conflict` where the log is not the one that the
    /// model was built from, so that the new model would never come as far.
    pub async fn begin(&self) -> PortResult<ReplayStatus> {
        let end = self.log.end().await.map_err(|cause| {
            tracing::warn!(cause, "the end of the event log is not known: {cause}");
            Problem::new(
                Code::DependencyUnavailable,
                "the broker cannot be asked for the event log; try again",
            )
        })?;
        let read = self.store.positions().await?.serving;
        if end < read {
            let detail = format!(
                "the event log ends at offset {end}, and the model has read up to {read}: it is not the same log"
            );
            return Err(Problem::new(Code::Conflict, detail).into());
        }
        let Some(replay) = self.store.replay_begin(self.clock.now()).await? else {
            return Err(Problem::new(Code::InProgress, "a replay is under way already").into());
        };
        tracing::info!("builds the model anew from offset 0");
        self.asked.notify_one();
        Ok(ReplayStatus::of(Some(replay)))
    }

    /// How the latest replay stands.
    pub async fn status(&self) -> PortResult<ReplayStatus> {
        Ok(ReplayStatus::of(self.store.replay().await?))
    }

    /// Carries out replays, and drops what they replaced, until `shutdown`. Begins with what was left
    /// undone by whoever was here before.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            match self.round(&shutdown).await {
                Ok(()) => {}
                // logs itself; the next round tries again
                Err(error) => drop(PortError::from(error)),
            }
            let rest = Duration::from_millis(self.config.get().look_ms);
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.asked.notified() => {}
                () = tokio::time::sleep(rest) => {}
            }
        }
    }

    async fn round(&self, shutdown: &CancellationToken) -> Result<(), StoreError> {
        if self.store.positions().await?.building.is_some() {
            let over = shutdown.child_token();
            let rebuild = Arc::new(Rebuild {
                store: self.store.clone(),
                clock: self.clock.clone(),
                at: AtomicU64::new(0),
                over: over.clone(),
            });
            let watched = rebuild.clone();
            tokio::select! {
                () = self.log.read(rebuild, over.clone()) => {}
                () = self.watch(&watched) => {}
            }
        }
        while !shutdown.is_cancelled()
            && self.store.retired_drop(self.config.get().drop_batch).await? == Dropped::Some
        {}
        Ok(())
    }

    /// Looks after a replay that waits for events, until it is over.
    async fn watch(&self, rebuild: &Rebuild) {
        while !rebuild.over.is_cancelled() {
            if let Err(error) = rebuild.look().await {
                // logs itself
                drop(PortError::from(error));
            }
            tokio::time::sleep(Duration::from_millis(self.config.get().look_ms)).await;
        }
    }
}

/// How many stretches in a row may turn out to be somebody else's before reading begins again.
const TRIES: usize = 8;

/// Projects the log onto the generation that is being built.
struct Rebuild {
    store: Arc<dyn ModelStore>,
    clock: Arc<dyn Clock>,
    at: AtomicU64,
    /// Fires when there is nothing left to build.
    over: CancellationToken,
}

impl Rebuild {
    /// Looks whether the replay has nothing left to read, or is over, or has given place to another one:
    /// no event would come to say so.
    async fn look(&self) -> Result<(), StoreError> {
        let at = self.at.load(Ordering::Relaxed);
        let positions = self.store.positions().await?;
        match positions.building {
            Some(building) if building == positions.serving => {
                self.switch(None, building).await?;
            }
            Some(building) if building >= at => {}
            _ => self.over.cancel(),
        }
        Ok(())
    }

    async fn switch(&self, last: Option<&Stretch>, offset: u64) -> Result<Switched, StoreError> {
        let switched = self.store.replay_finish(last, self.clock.now()).await?;
        if switched == Switched::Yes {
            tracing::info!(offset, "the model that was built anew took over at offset {offset}");
            self.over.cancel();
        }
        Ok(switched)
    }

    /// Adds `part`, up to where the old generation stands.
    async fn add(&self, part: &[Read]) -> Result<(), String> {
        for _ in 0..TRIES {
            if self.over.is_cancelled() {
                return Ok(());
            }
            let at = self.at.load(Ordering::Relaxed);
            let serving = self.store.positions().await.map_err(say)?.serving;
            if end_of(part) < serving {
                match advance(self.store.as_ref(), Role::Building, at, part).await? {
                    Advance::To(to) => self.at.store(to, Ordering::Relaxed),
                    Advance::Gone => self.over.cancel(),
                }
                return Ok(());
            }
            // `part` has all that the old generation has: what is missing is added, and the new one takes over
            let last = if at < serving { stretch(part, at, serving) } else { None };
            if self.switch(last.as_ref(), serving).await.map_err(say)? == Switched::NotYet {
                self.catch_up(at).await?;
            }
        }
        Err("others kept changing the two models".into())
    }

    /// Finds out where the new generation stands now. Where that is before `at` it is another one, of which
    /// this reader has not read the beginning.
    async fn catch_up(&self, at: u64) -> Result<(), String> {
        match projection::position(self.store.as_ref(), Role::Building).await? {
            Some(now) if now >= at => self.at.store(now, Ordering::Relaxed),
            _ => self.over.cancel(),
        }
        Ok(())
    }
}

#[async_trait]
impl LogReader for Rebuild {
    async fn next_offset(&self) -> Result<u64, String> {
        let Some(at) = projection::position(self.store.as_ref(), Role::Building).await? else {
            self.over.cancel();
            return Err("the replay is over".into());
        };
        self.at.store(at, Ordering::Relaxed);
        Ok(at)
    }

    async fn read(&self, entries: &[LogEntry]) -> Result<(), String> {
        let reads = projection::understand(entries);
        for part in parts(&reads) {
            self.add(part).await?;
        }
        Ok(())
    }
}
