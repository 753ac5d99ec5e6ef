//! What recommendations keep: generations of the model, each with how far it has read the log.

mod change;
mod generations;
mod model;
mod sql;

use async_trait::async_trait;
use chassis::store::StoreError;
use contracts::recommendations::{ProjectedOrder, Recommended};
use contracts::{CustomerId, Sku, Timestamp};

use crate::domain::OrderFact;

pub use sql::SqlStore;

/// What a generation of the model is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It answers.
    Serving,
    /// A replay is building it.
    Building,
}

impl Role {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::Building => "building",
        }
    }
}

/// A stretch of the log, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// How far the generation must have read before it.
    pub from: u64,
    /// The offset of the first event that was there to be read: above `from` where some had been deleted.
    pub first: u64,
    /// How far it has read after it.
    pub to: u64,
    /// What the events say.
    pub facts: Vec<OrderFact>,
}

/// Whether a stretch of the log was added to a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It was.
    Yes,
    /// The generation has not read just as far as the stretch begins: somebody else has read on.
    Elsewhere,
}

/// How far the generations have read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Positions {
    /// The generation that answers.
    pub serving: u64,
    /// The one that a replay is building, if there is one.
    pub building: Option<u64>,
}

/// Whether the generation that was built has taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switched {
    /// It has.
    Yes,
    /// The two have not read equally far.
    NotYet,
}

/// The latest replay, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// When it was asked for.
    pub started_at: Timestamp,
    /// Where the log began for it, once it has read something.
    pub first_offset: Option<u64>,
    /// How many orders its model knows.
    pub orders: u64,
    /// How far its model has read.
    pub next_offset: u64,
    /// How far the model that answers has read.
    pub serving: u64,
    /// How it ended; nothing while it runs.
    pub end: Option<ReplayEnd>,
}

/// How a replay ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayEnd {
    /// When its model took over.
    pub finished_at: Timestamp,
    /// How far both models had read then.
    pub compared_at: u64,
    /// In what they differed.
    pub differences: Differences,
}

/// How many rows of two models differ, or are in one of them only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Differences {
    /// Orders.
    pub orders: u64,
    /// Pairs of products.
    pub pairs: u64,
    /// Products that a customer has bought.
    pub purchases: u64,
}

impl Differences {
    /// All together.
    pub fn total(&self) -> u64 {
        self.orders + self.pairs + self.purchases
    }
}

/// Each method is one atomic change, or one reading.
#[async_trait]
pub trait ModelStore: Send + Sync + 'static {
    /// How far the generations have read.
    async fn positions(&self) -> Result<Positions, StoreError>;

    /// Adds a stretch of the log to the generation in that role, if it has read just up to it.
    async fn stretch_add(&self, role: Role, stretch: &Stretch) -> Result<Added, StoreError>;

    /// Has the generation that answers read on from `first`, if it has read up to `at`: the log was begun
    /// anew. A replay of the old log is given up.
    async fn log_begun_anew(&self, at: u64, first: u64) -> Result<(), StoreError>;

    /// Begins a new generation, at offset 0; nothing where one is being built.
    async fn replay_begin(&self, at: Timestamp) -> Result<Option<Replay>, StoreError>;

    /// Compares the generation that was built with the one that answers, and lets it take over, if they
    /// have read equally far after `last` is added to the former.
    async fn replay_finish(&self, last: Option<&Stretch>, at: Timestamp) -> Result<Switched, StoreError>;

    /// The replay that runs, or the one that built the generation that answers.
    async fn replay(&self) -> Result<Option<Replay>, StoreError>;

    /// Drops up to `most` rows of generations that have been replaced; says whether there may be more.
    async fn retired_drop(&self, most: u32) -> Result<Dropped, StoreError>;

    /// What is bought together with a product.
    async fn together_with(&self, sku: &Sku, most: u32) -> Result<Recommended, StoreError>;

    /// What is bought together with all that a customer has bought, and they have not.
    async fn together_with_all_of(&self, customer: &CustomerId, most: u32)
    -> Result<Recommended, StoreError>;

    /// Up to `most` orders in the order of their ids, from after `after` on.
    async fn orders_page(&self, after: &str, most: u32) -> Result<Vec<ProjectedOrder>, StoreError>;
}

/// Whether anything is left of the generations that have been replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// Nothing.
    All,
    /// Perhaps something.
    Some,
}
