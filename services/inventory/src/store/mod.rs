//! What the inventory keeps, as the business sees it: each method is one atomic change.

mod rows;
mod sql;
mod tx;

use std::time::Duration;

use async_trait::async_trait;
use chassis::store::StoreError;
use contracts::inventory::{Reservation, ReserveStock, StockAccount, StockLevel};
use contracts::messages::Origin;
use contracts::types::Line;
use contracts::{OrderId, Sku, Timestamp};

use crate::domain::Refusal;

pub use sql::SqlStore;

/// What became of a request for a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The claim as it stands now, or why it could not be.
    pub answer: Result<Reservation, Refusal>,
    /// The new level of every product whose stock moved. A late commit is refused, and yet moves stock.
    pub moved: Vec<StockLevel>,
}

impl Settled {
    /// Nothing moved.
    fn unmoved(answer: Result<Reservation, Refusal>) -> Self {
        Self { answer, moved: Vec::new() }
    }
}

/// Accounts and claims. Each change of a claim is told to the world in the transaction that makes it.
/// `origin` is that of the call that asks for the change; the first one to touch an order is kept with it,
/// and decides who drives it for all who come later.
#[async_trait]
pub trait InventoryStore: Send + Sync + 'static {
    /// Opens an account for each product that has none, with so many pieces available. Returns how many
    /// it opened; an account that is there keeps what it has.
    async fn stock_seed(&self, stock: &[Line]) -> Result<u64, StoreError>;

    /// The level of a product, where it is stocked.
    async fn level_get(&self, sku: &Sku) -> Result<Option<StockLevel>, StoreError>;

    /// The levels of those of `skus` that are stocked, in any order.
    async fn level_list(&self, skus: &[Sku]) -> Result<Vec<StockLevel>, StoreError>;

    /// The claim of an order.
    async fn claim_get(&self, order: OrderId) -> Result<Option<Reservation>, StoreError>;

    /// Sets goods aside for `ttl`, all lines or none. That they were not there is remembered, and told, as
    /// [`crate::domain::is_remembered`] says.
    async fn claim_reserve(
        &self,
        request: &ReserveStock,
        now: Timestamp,
        ttl: Duration,
        origin: &Origin,
    ) -> Result<Settled, StoreError>;

    /// Turns a reservation into a sale.
    async fn claim_commit(
        &self,
        order: OrderId,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Settled, StoreError>;

    /// Gives a claim's goods back, or leaves a tombstone.
    async fn claim_release(
        &self,
        order: OrderId,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Settled, StoreError>;

    /// Lets a reservation lapse, if its time has run out and nobody was faster.
    async fn claim_expire(&self, order: OrderId, now: Timestamp) -> Result<Settled, StoreError>;

    /// The orders whose reservations have run out, the oldest first, `limit` at the most.
    async fn claim_list_due(&self, now: Timestamp, limit: u32) -> Result<Vec<OrderId>, StoreError>;

    /// `limit` accounts at the most, those after `after` in the order of their products.
    async fn account_page(&self, after: &str, limit: u32) -> Result<Vec<StockAccount>, StoreError>;

    /// `limit` claims at the most, those after `after` in the order of their ids.
    async fn claim_page(&self, after: &str, limit: u32) -> Result<Vec<Reservation>, StoreError>;
}
