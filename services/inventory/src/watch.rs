//! One watcher: changes of what it wants come in, levels go out.

use std::sync::Arc;

use contracts::error::{Code, Problem};
use contracts::inventory::{StockLevel, WatchStock};
use contracts::{PortResult, Sku, Streaming};
use futures::StreamExt;
use tokio_stream::StreamMap;
use tokio_stream::wrappers::WatchStream;

use crate::board::Board;
use crate::store::InventoryStore;

/// How many products one watcher may watch at once.
pub const MOST_WATCHED: usize = 200;

/// The state behind one stream of levels.
pub(crate) struct Watcher {
    changes: Streaming<WatchStock>,
    levels: StreamMap<Sku, WatchStream<StockLevel>>,
    board: Arc<Board>,
    store: Arc<dyn InventoryStore>,
}

impl Watcher {
    pub fn new(changes: Streaming<WatchStock>, board: Arc<Board>, store: Arc<dyn InventoryStore>) -> Self {
        Self { changes, levels: StreamMap::new(), board, store }
    }

    /// Levels until the caller's stream ends, or up to the first problem.
    pub fn into_stream(self) -> Streaming<PortResult<StockLevel>> {
        futures::stream::unfold(Some(self), |watcher| async {
            let mut watcher = watcher?;
            match watcher.next().await? {
                Ok(level) => Some((Ok(level), Some(watcher))),
                Err(problem) => Some((Err(problem), None)),
            }
        })
        .boxed()
    }

    async fn next(&mut self) -> Option<PortResult<StockLevel>> {
        loop {
            tokio::select! {
                change = self.changes.next() => match change? {
                    WatchStock::Add(sku) => return Some(self.add(sku).await),
                    WatchStock::Drop(sku) => drop(self.levels.remove(&sku)),
                },
                Some((_, level)) = self.levels.next() => return Some(Ok(level)),
                () = self.board.closing() => {
                    let detail = "this instance is closing; watch again to reach another";
                    return Some(Err(Problem::new(Code::Unavailable, detail).into()));
                }
            }
        }
    }

    /// The level that an added product is answered with at once; later ones come through the board.
    async fn add(&mut self, sku: Sku) -> PortResult<StockLevel> {
        if self.levels.len() >= MOST_WATCHED && !self.levels.contains_key(&sku) {
            let message = format!("is one too many: {MOST_WATCHED} products are watched already");
            return Err(Problem::invalid_field("add", message).into());
        }
        let mut levels = self.board.watch(level_of(&*self.store, "add", &sku).await?);
        let level = levels.borrow_and_update().clone();
        self.levels.insert(sku, WatchStream::from_changes(levels));
        Ok(level)
    }
}

/// The level of a product that `field` of a request names.
pub(crate) async fn level_of(store: &dyn InventoryStore, field: &str, sku: &Sku) -> PortResult<StockLevel> {
    if !sku.is_valid() {
        return Err(Problem::invalid_field(field, crate::service::SKU_RULE).into());
    }
    let level = store.level_get(sku).await?;
    level.ok_or_else(|| Problem::new(Code::UnknownSku, format!("{sku} is not stocked")).into())
}
