//! The steps of a move.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use contracts::error::chain;
use tokio::time::{Instant, timeout_at};

use super::Mover;
use super::abort::Stage;
use super::copier::{Copier, Digest, judge};
use super::error::MoveError;
use super::prepare::{Prepared, prepare};
use super::progress::{Outcome, Phase, Report, Teller};
use super::tables::Table;
use super::{postgres, sqlite};
use crate::store::hold::Place;
use crate::store::placement::Placement;
use crate::store::url::Resolved;
use crate::store::writer::Writer;
use crate::store::{Dialect, StoreError};

/// How often rows are copied beside all that goes on at the most, so that little is left to copy while the
/// module is held.
const ROUNDS: u32 = 4;

/// One move.
pub(super) struct Course<'a> {
    pub mover: &'a Mover,
    pub from: Placement,
    pub to: Placement,
    /// The old place.
    pub source: Resolved,
    /// The new one.
    pub target: Resolved,
    /// For how long the module may be held.
    pub patience: Duration,
    pub teller: &'a Teller,
}

/// What came of holding the module.
struct Held {
    /// All rows, the same at both places.
    all: Digest,
    time: Duration,
    /// Those who wrote at the old place.
    writer: Arc<Writer>,
}

impl Course<'_> {
    pub async fn run(&self) -> Result<Report, MoveError> {
        let (module, from, to) = (&self.mover.module, self.from, self.to);
        self.teller.reach(Stage::BeforeCopy);
        let Prepared { mut copier, place, tables } = prepare(self.mover, &self.source, &self.target).await?;
        let comparing = self.copy(&mut *copier).await?;
        let held = self.hold(&mut *copier, place, comparing).await?;
        copier.close().await;
        self.teller.enter(Phase::Tidying);
        if let Err(error) = self.tidy(&held.writer, &tables).await {
            let cause = chain(&error);
            tracing::warn!(module, error = cause, "what {module} left at its {from} database stays: {cause}");
        }
        self.teller.reach(Stage::Tidied);
        let rows = held.all.rows;
        let held_ms = held.time.as_millis().try_into().unwrap_or(u64::MAX);
        tracing::info!(
            module,
            rows,
            held_ms,
            "{module} is in its {to} database: {rows} rows, held for {held_ms} ms"
        );
        Ok(Report {
            module: module.clone(),
            from,
            to,
            outcome: Outcome::Moved,
            tables: tables.len() as u64,
            rows,
            held_ms,
            checksum: format!("{:016x}", held.all.sum),
        })
    }

    /// Copies all rows while they go on changing, until little is left; returns how long it takes to compare
    /// them.
    async fn copy(&self, copier: &mut dyn Copier) -> Result<Duration, StoreError> {
        let mut last = self.round(copier).await?;
        let begun = Instant::now();
        copier.compare().await?;
        let comparing = begun.elapsed();
        for _ in 1..ROUNDS {
            let took = self.round(copier).await?;
            if took > last / 2 {
                // it is as little as it becomes
                break;
            }
            last = took;
        }
        Ok(comparing)
    }

    async fn round(&self, copier: &mut dyn Copier) -> Result<Duration, StoreError> {
        self.teller.count(copier.rows().await?);
        let begun = Instant::now();
        copier.approach(self.teller).await?;
        Ok(begun.elapsed())
    }

    /// Holds the module, makes both places equal, flips, and has it go on at the new place.
    async fn hold(
        &self,
        copier: &mut dyn Copier,
        place: Place,
        comparing: Duration,
    ) -> Result<Held, MoveError> {
        let patience = self.patience;
        let too_long = |why| MoveError::TooLong { patience, comparing, why };
        if comparing > patience {
            return Err(too_long("has too many rows to compare in that time"));
        }
        self.teller.enter(Phase::Holding);
        let begun = Instant::now();
        let end = begun + patience;
        let hold = timeout_at(end, self.mover.store.hold()).await;
        let hold = hold.map_err(|_| too_long("a transaction or a reader went on for longer"))??;
        self.teller.reach(Stage::Held);
        self.teller.enter(Phase::Comparing);
        let compared = timeout_at(end, async {
            copier.equal().await?;
            copier.compare().await
        });
        let compared =
            compared.await.map_err(|_| too_long("its rows could not be compared in that time"))??;
        let all = judge(&compared).map_err(MoveError::Differs)?;
        self.teller.reach(Stage::Compared);
        // from here on nothing is given up any more
        self.flip().await?;
        self.teller.reach(Stage::Flipped);
        let writer = hold.switch(place).await;
        let time = begun.elapsed();
        self.mover.now.lock().placement = self.to;
        self.teller.reach(Stage::Switched);
        Ok(Held { all, time, writer })
    }

    /// Writes down where the data is now. Where that fails, what the file says all the same is true: the
    /// next start goes by it.
    async fn flip(&self) -> Result<(), StoreError> {
        let Mover { placements, module, .. } = self.mover;
        let Err(error) = placements.write(module, self.to).await else { return Ok(()) };
        if placements.read(module).await? == Some(self.to) { Ok(()) } else { Err(error) }
    }

    /// Empties the old place, which nobody uses any more.
    async fn tidy(&self, writer: &Writer, tables: &[Table]) -> Result<(), StoreError> {
        match (self.source.dialect, &self.source.file, self.from) {
            (Dialect::Sqlite, Some(file), Placement::Own) => {
                writer.close().await;
                remove_files(file).await
            }
            (Dialect::Sqlite, ..) => {
                sqlite::drop_tables(&self.mover.module, &self.source, writer, tables).await
            }
            (Dialect::Postgres, ..) => postgres::drop_tables(&self.source, tables).await,
        }
    }
}

/// Removes a database file, with what SQLite keeps beside it.
async fn remove_files(file: &Path) -> Result<(), StoreError> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        let file = PathBuf::from(name);
        match tokio::fs::remove_file(&file).await {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            removed => removed.map_err(|source| StoreError::File { file, source })?,
        }
    }
    Ok(())
}
