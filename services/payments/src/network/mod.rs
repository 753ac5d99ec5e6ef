//! The card network, as payments sees it: an outside party that is keyed, and can be asked.

mod http;

use async_trait::async_trait;
use contracts::payments::{CardToken, NetworkRecord};
use contracts::{Context, Money, OrderId};

use crate::domain::NetworkState;

pub use http::HttpCardNetwork;

/// A card network whose charges are keyed: a repeated request finds what the first one did. So a request
/// whose answer was lost may be repeated, and what became of it may be looked up. The key is the order's
/// id.
///
/// Each request answers with the network's record as it stands afterwards, whether or not the network
/// did what it was asked: what follows from that is for the domain to say.
#[async_trait]
pub trait CardNetwork: Send + Sync + 'static {
    /// Holds an amount on a card.
    async fn hold(
        &self,
        ctx: &Context,
        key: OrderId,
        amount: Money,
        card: &CardToken,
    ) -> NetworkResult<HoldRecord>;

    /// Pays the held amount out.
    async fn capture(&self, ctx: &Context, key: OrderId) -> NetworkResult<HoldRecord>;

    /// Lets the held amount go. Under a key not seen before it leaves a tombstone, so that a request to
    /// hold that is still on its way is refused.
    async fn void(&self, ctx: &Context, key: OrderId) -> NetworkResult<HoldRecord>;

    /// Gives the captured amount back.
    async fn refund(&self, ctx: &Context, key: OrderId) -> NetworkResult<HoldRecord>;

    /// The network's record of a key; nothing where it has none.
    async fn look_up(&self, ctx: &Context, key: OrderId) -> NetworkResult<Option<HoldRecord>>;
}

/// What a request to the network returns.
pub type NetworkResult<T> = Result<T, NetworkError>;

/// The network's record of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldRecord {
    /// How it stands.
    pub state: NetworkState,
    /// What was ever done under the key.
    pub books: NetworkRecord,
}

/// A request that the network did not answer with a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// The network did nothing.
    #[error("the card network did nothing: {0}")]
    NotDone(String),
    /// The network may have done it.
    #[error("the card network may have done it: {0}")]
    Unknown(String),
}
