//! The levels that somebody watches, as last seen: the bridge from changes to watchers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chassis::config::Live;
use contracts::inventory::StockLevel;
use contracts::{PortError, Sku};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::config::WatchConfig;
use crate::store::InventoryStore;

/// One cell a watched product, holding its latest level alone: a slow watcher misses levels in between
/// and never the last, and no queue can grow.
#[derive(Debug, Default)]
pub struct Board {
    cells: Mutex<BTreeMap<Sku, watch::Sender<StockLevel>>>,
    closing: CancellationToken,
}

impl Board {
    /// A board whose watchers are sent away when `closing` fires, so that they do not hold up a drain.
    pub fn until(closing: CancellationToken) -> Self {
        Self { cells: Mutex::default(), closing }
    }

    /// Waits until watchers are to leave.
    pub(crate) async fn closing(&self) {
        self.closing.cancelled().await;
    }

    /// Shows new levels to whoever watches them. Levels may come in any order: an older one than is
    /// shown is ignored.
    pub fn publish(&self, levels: &[StockLevel]) {
        let cells = self.cells.lock();
        for level in levels {
            if let Some(cell) = cells.get(&level.sku) {
                show(cell, level);
            }
        }
    }

    /// Begins to watch a product, whose level was just read.
    pub(crate) fn watch(&self, level: StockLevel) -> watch::Receiver<StockLevel> {
        let mut cells = self.cells.lock();
        match cells.get(&level.sku) {
            Some(cell) => {
                show(cell, &level);
                cell.subscribe()
            }
            None => {
                let (cell, levels) = watch::channel(level.clone());
                cells.insert(level.sku, cell);
                levels
            }
        }
    }

    /// The products that somebody watches; forgets the others.
    fn watched(&self) -> Vec<Sku> {
        let mut cells = self.cells.lock();
        cells.retain(|_, cell| !cell.is_closed());
        cells.keys().cloned().collect()
    }
}

fn show(cell: &watch::Sender<StockLevel>, level: &StockLevel) {
    cell.send_if_modified(|shown| {
        let newer = level.version > shown.version;
        if newer {
            shown.clone_from(level);
        }
        newer
    });
}

/// Reads what is watched again and again until `shutdown`: changes made by other replicas arrive this
/// way, and those that fell between a watcher's first reading and its place on the board.
pub async fn refresh(
    board: Arc<Board>,
    store: Arc<dyn InventoryStore>,
    config: Live<WatchConfig>,
    shutdown: CancellationToken,
) {
    let refreshing = async {
        loop {
            tokio::time::sleep(Duration::from_millis(config.get().poll_ms)).await;
            let watched = board.watched();
            if watched.is_empty() {
                continue;
            }
            match store.level_list(&watched).await {
                Ok(levels) => board.publish(&levels),
                // logs itself; the watchers learn the next time
                Err(error) => drop(PortError::from(error)),
            }
        }
    };
    shutdown.run_until_cancelled(refreshing).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(available: u32, version: u64) -> StockLevel {
        StockLevel { sku: "A".into(), available, reserved: 0, version }
    }

    #[test]
    fn a_level_that_was_overtaken_is_not_shown() {
        let board = Board::default();
        let mut levels = board.watch(level(9, 2));
        board.publish(&[level(8, 4)]);
        board.publish(&[level(7, 3)]);
        assert_eq!(*levels.borrow_and_update(), level(8, 4));
    }

    #[test]
    fn a_watcher_that_reads_late_sees_the_newest_level_for_all() {
        let board = Board::default();
        let mut first = board.watch(level(9, 2));
        first.borrow_and_update();
        let second = board.watch(level(8, 3));
        assert!(first.has_changed().expect("the cell is there"));
        assert_eq!(*first.borrow(), *second.borrow());
    }

    #[test]
    fn what_nobody_watches_any_more_is_forgotten() {
        let board = Board::default();
        let levels = board.watch(level(9, 1));
        assert_eq!(board.watched(), [Sku::from("A")]);
        drop(levels);
        assert!(board.watched().is_empty() && board.cells.lock().is_empty());
    }
}
