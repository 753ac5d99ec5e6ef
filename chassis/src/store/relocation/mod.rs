//! Moves a module's tables from one database to another, while the module works on.
//!
//! Prepare, copy, hold, compare, flip, switch, tidy. Rows are copied in bulk first, beside all that goes on.
//! Then the module is held, what changed meanwhile is copied, and both places are compared. One file says
//! where the data is: replacing it is the moment of truth. A process that dies before it starts again at the
//! old place, one that dies after it at the new one, and both places are complete then. What a move that
//! died leaves behind at the other place is taken for nothing by the next one.
//!
//! - [`course`]: the steps of a move
//! - [`prepare`]: makes the tables at the new place
//! - [`tables`]: what tables there are
//! - [`copier`], [`sqlite`], [`postgres`]: copies and compares, on each engine
//! - [`progress`], [`error`]: what there is to see of a move, and why one came to nothing
//! - [`abort`]: where tests have the process die

mod abort;
mod copier;
mod course;
mod error;
mod postgres;
mod prepare;
mod progress;
mod sqlite;
pub(super) mod tables;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use contracts::Problem;
use contracts::error::chain;
use parking_lot::Mutex;
use sqlx::migrate::{Migration, Migrator};
use tokio::sync::watch;

pub use abort::AbortAt;
pub use progress::{Outcome, Phase, Progress, Report};

use self::course::Course;
use self::error::MoveError;
use self::progress::{Seen, Teller};
use super::placement::{Placement, Placements};
use super::url::{Resolved, StoreUrl};
use super::{Store, StoreError};

/// A module's store, with all that it takes to move it.
pub(super) struct Mover {
    module: String,
    store: Store,
    migrations: Vec<Migration>,
    url: StoreUrl,
    placements: Placements,
    abort_at: AbortAt,
    now: Mutex<Now>,
}

/// Where the module is, and whither it is under way.
struct Now {
    placement: Placement,
    /// The last move that began.
    last: Option<watch::Receiver<Seen>>,
}

impl Mover {
    /// Opens a module's store where its data is; waits for its server for as long as `patience`.
    pub async fn open(
        module: &str,
        migrations: &Migrator,
        url: &StoreUrl,
        placements: &Placements,
        otherwise: Placement,
        abort_at: &AbortAt,
        patience: Duration,
    ) -> Result<Self, StoreError> {
        let migrations: Vec<Migration> = migrations.iter().cloned().collect();
        let known = placements.read(module).await?;
        let placement = known.unwrap_or(otherwise);
        let target = url.for_module(module, placement)?;
        let tables = Migrator::with_migrations(migrations.clone());
        let store = Store::at(&target, module, tables, patience).await?;
        if known.is_none() {
            placements.write(module, placement).await?;
        }
        Ok(Self {
            module: module.to_owned(),
            store,
            migrations,
            url: url.clone(),
            placements: placements.clone(),
            abort_at: abort_at.clone(),
            now: Mutex::new(Now { placement, last: None }),
        })
    }

    /// Whose tables.
    pub fn module(&self) -> &str {
        &self.module
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Where the module's data is.
    pub fn placement(&self) -> Placement {
        self.now.lock().placement
    }

    /// The database where the module's data is.
    pub fn place(&self) -> Result<Resolved, StoreError> {
        self.url.for_module(&self.module, self.placement())
    }

    /// The last move, under way or over; nothing where there was none.
    pub fn progress(&self) -> Option<Progress> {
        self.now.lock().last.as_ref().map(|seen| seen.borrow().progress.clone())
    }

    /// Moves the module's tables, and returns when that is over. A move to the same place that is under way
    /// is joined. It goes on when whoever asked for it does not wait.
    pub async fn relocate(self: &Arc<Self>, to: Placement, patience: Duration) -> Result<Report, Problem> {
        let mut watching = self.begin_or_join(to, patience).map_err(|error| Problem::from(&error))?;
        match watching.wait_for(|seen| seen.end.is_some()).await.map(|seen| seen.end.clone()) {
            Ok(Some(end)) => end,
            Ok(None) | Err(_) => Err(Problem::internal()),
        }
    }

    fn begin_or_join(
        self: &Arc<Self>,
        to: Placement,
        patience: Duration,
    ) -> Result<watch::Receiver<Seen>, MoveError> {
        let mut now = self.now.lock();
        if let Some(last) = now.last.as_ref().filter(|last| is_under_way(last)) {
            return match last.borrow().progress.to {
                same if same == to => Ok(last.clone()),
                other => Err(MoveError::UnderWay(other)),
            };
        }
        let (teller, watching) = Teller::begin(to, self.abort_at.clone());
        now.last = Some(watching.clone());
        let from = now.placement;
        let mover = self.clone();
        tokio::spawn(async move {
            let end = mover.run(from, to, patience, &teller).await;
            teller.end(end.map_err(|error| mover.failed(&error)));
        });
        Ok(watching)
    }

    async fn run(
        &self,
        from: Placement,
        to: Placement,
        patience: Duration,
        teller: &Teller,
    ) -> Result<Report, MoveError> {
        let nothing_to_do = |outcome| Ok(Report::nothing_to_do(&self.module, from, to, outcome));
        if self.url.is_one_for_all() {
            return nothing_to_do(Outcome::OneDatabase);
        }
        if from == to {
            return nothing_to_do(Outcome::AlreadyThere);
        }
        let source = self.url.for_module(&self.module, from)?;
        let target = self.url.for_module(&self.module, to)?;
        Course { mover: self, from, to, source, target, patience, teller }.run().await
    }

    fn failed(&self, error: &MoveError) -> Problem {
        let (module, cause) = (&self.module, chain(error));
        tracing::error!(module, error = cause, "{module} was not moved: {cause}");
        Problem::from(error)
    }
}

/// Whether a move has no end yet. (One without a teller was given up, and will have none.)
fn is_under_way(seen: &watch::Receiver<Seen>) -> bool {
    seen.has_changed().is_ok() && seen.borrow().end.is_none()
}
