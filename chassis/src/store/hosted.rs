//! The stores of a process: each opened where its module's data is, watched and moved at
//! `/control/MODULE/store`.
//!
//! While a module's database moves, one process alone may host it: others would go on at the old place.
//! Whoever asks for a move sees to that; `tradewind move` does.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use contracts::{PortError, Problem};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sqlx::Connection;
use sqlx::migrate::Migrator;

use super::relocation::{AbortAt, Mover, Progress, Report, tables};
use super::{Dialect, Placement, Placements, Store, StoreError, StoreUrl, pool};
use crate::http::{Answer, Input};

/// Every store that this process has opened.
pub struct Stores {
    url: StoreUrl,
    placements: Placements,
    /// The placement of modules whose placement was never written down.
    otherwise: Placement,
    abort_at: AbortAt,
    /// How long to wait for a server that is not there yet.
    patience: Duration,
    opened: Mutex<BTreeMap<String, Arc<Mover>>>,
}

impl Stores {
    /// The stores at `url`, each where the folder `data` says, or else in the placement `otherwise`, which
    /// is written down then.
    pub fn new(
        url: StoreUrl,
        data: &Path,
        otherwise: Placement,
        abort_at: AbortAt,
        patience: Duration,
    ) -> Self {
        let placements = Placements::kept_in(data);
        Self { url, placements, otherwise, abort_at, patience, opened: Mutex::default() }
    }

    /// Opens the database of `module` where its data is, creates it where it is missing, and brings its
    /// tables up to date. Waits for a server that is not there yet.
    pub async fn open(&self, module: &str, migrations: &Migrator) -> Result<Store, StoreError> {
        let mover = Mover::open(
            module,
            migrations,
            &self.url,
            &self.placements,
            self.otherwise,
            &self.abort_at,
            self.patience,
        );
        let mover = Arc::new(mover.await?);
        let store = mover.store().clone();
        self.opened.lock().insert(module.to_owned(), mover);
        Ok(store)
    }

    /// `GET /store` and `POST /store/move` of a module, where it has a store.
    pub fn control_routes(&self, module: &str) -> Router {
        match self.opened.lock().get(module) {
            Some(mover) => Router::new()
                .route("/store", get(status))
                .route("/store/move", post(relocate))
                .with_state(mover.clone()),
            None => Router::new(),
        }
    }
}

/// Where a module's data is, and how much there is of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreStatus {
    /// Which engine has it.
    pub engine: Dialect,
    /// In which database.
    pub placement: Placement,
    /// The last move since this process started, under way or over.
    #[serde(rename = "move")]
    pub relocation: Option<Progress>,
    /// Every table, by name.
    pub tables: Vec<TableRows>,
}

/// How much is in a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRows {
    /// Its name.
    pub name: String,
    /// How many rows it has.
    pub rows: u64,
}

/// Where a module's data shall go.
#[derive(Deserialize)]
struct Relocate {
    to: Placement,
    /// For how long callers may be kept waiting at the most.
    #[serde(default = "usual_hold")]
    hold_ms: u64,
}

fn usual_hold() -> u64 {
    2_000
}

/// Longer than this nobody is held, or callers would give up before the module goes on.
const LONGEST_HOLD_MS: u64 = 4_000;

async fn status(State(mover): State<Arc<Mover>>) -> Answer<StoreStatus> {
    let tables = mover.census().await.map_err(PortError::from)?;
    Ok(Json(StoreStatus {
        engine: mover.store().dialect(),
        placement: mover.placement(),
        relocation: mover.progress(),
        tables,
    }))
}

async fn relocate(State(mover): State<Arc<Mover>>, Input(request): Input<Relocate>) -> Answer<Report> {
    if !(1..=LONGEST_HOLD_MS).contains(&request.hold_ms) {
        let message = format!("must be 1 to {LONGEST_HOLD_MS}, not {}", request.hold_ms);
        return Err(Problem::invalid_field("hold_ms", message).into());
    }
    Ok(Json(mover.relocate(request.to, Duration::from_millis(request.hold_ms)).await?))
}

impl Mover {
    /// Counts rows, over a connection of its own: an answer is wanted while the module is held, too.
    async fn census(&self) -> Result<Vec<TableRows>, StoreError> {
        let place = self.place()?;
        let mut connection = pool::apart(&place).await?;
        let mut counted = Vec::new();
        for table in tables::of_module(&mut connection, place.dialect, tables::MAIN, self.module()).await? {
            let rows = tables::rows(&mut connection, &table, None).await?;
            counted.push(TableRows { name: table.name, rows });
        }
        connection.close().await?;
        Ok(counted)
    }
}
