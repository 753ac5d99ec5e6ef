//! What payments keeps: payments and their ledger.

mod rows;
mod sql;

use async_trait::async_trait;
use chassis::store::StoreError;
use contracts::messages::Origin;
use contracts::payments::{Payment, Posting};
use contracts::{OrderId, Timestamp};

use crate::domain::{Input, Intent, Known, Refusal};

pub use sql::SqlStore;

/// What is kept of one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Which order.
    pub order_id: OrderId,
    /// What is known of its payment.
    pub known: Known,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What an input came to, once stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stepped {
    /// What is kept now.
    pub stored: Stored,
    /// What the network has to do before the input is answered.
    pub intent: Option<Intent>,
    /// Whether the intent began with this step: nobody can have asked the network yet.
    pub age: IntentAge,
}

/// Whether anybody can have asked the network already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntentAge {
    /// The intent began with this step.
    New,
    /// It stood open before.
    Standing,
}

/// The times that a step writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// This moment.
    pub now: Timestamp,
    /// From when on the settle pass may finish an intent that begins now.
    pub settle_at: Timestamp,
}

/// Each method is one atomic change, or one reading.
#[async_trait]
pub trait PaymentStore: Send + Sync + 'static {
    /// Lets the domain decide on an input, and stores what that changes together with the postings of its
    /// transfers and what it tells the world. `origin` is that of the call which led to it; nothing for the
    /// settle pass. The first one to touch an order is kept with it, and decides who drives it for all who
    /// come later.
    async fn payment_step(
        &self,
        order: OrderId,
        input: &Input,
        moment: Moment,
        origin: Option<&Origin>,
    ) -> Result<Result<Stepped, Refusal>, StoreError>;

    /// What is kept of an order.
    async fn payment(&self, order: OrderId) -> Result<Option<Stored>, StoreError>;

    /// Payments by order id, those after `after`.
    async fn payment_page(&self, after: &str, limit: u32) -> Result<Vec<Stored>, StoreError>;

    /// Postings, oldest first, those after the id `after`.
    async fn posting_page(&self, after: &str, limit: u32) -> Result<Vec<Posting>, StoreError>;

    /// Takes open intents whose time to be settled has come, longest due first, and puts that time off, so
    /// that no other replica takes them as well.
    async fn intents_claim(&self, moment: Moment, limit: u32) -> Result<Vec<OrderId>, StoreError>;
}

impl From<Stored> for Payment {
    fn from(stored: Stored) -> Self {
        Self {
            order_id: stored.order_id,
            status: stored.known.status(),
            amount: stored.known.amount(),
            updated_at: stored.updated_at,
        }
    }
}
