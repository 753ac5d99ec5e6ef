//! Inventory: how much of everything there is, and who has a claim on it.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::messages::{Event, Passed};
use crate::operation::{Operation, Shape, Verb};
use crate::types::{Line, OrderId, Page, PageRequest, Reason, Sku, Timestamp};
use crate::{Context, PortResult, Streaming};

/// What other modules ask of the inventory. Every changing operation is keyed by the order's id:
/// its repetition answers what the first execution answered.
#[async_trait]
pub trait Inventory: Send + Sync + 'static {
    /// How much of a product there is. `unknown_sku` where it is not stocked.
    async fn stock(&self, ctx: &Context, request: GetStock) -> PortResult<StockLevel>;

    /// Sets goods aside for an order, all lines or none. `out_of_stock`, `unknown_sku`; `compensated`
    /// where a release of this order came first.
    async fn reserve(&self, ctx: &Context, request: ReserveStock) -> PortResult<Reservation>;

    /// Turns the reservation into a sale. `reservation_expired` where its time had run out,
    /// `compensated` where it was released, `not_found` where there is none.
    async fn commit(&self, ctx: &Context, request: CommitStock) -> PortResult<Reservation>;

    /// Gives goods back, reserved or sold. For an order not seen before it leaves a tombstone that
    /// refuses a late `reserve`.
    async fn release(&self, ctx: &Context, request: ReleaseStock) -> PortResult<Reservation>;

    /// The claim of an order as it stands. `not_found` where there is none.
    async fn reservation(&self, ctx: &Context, request: GetReservation) -> PortResult<Reservation>;

    /// Stock levels as they change. The caller adds and drops products while it listens; a product
    /// that is added is answered with its present level at once. An unknown product ends the stream
    /// with `unknown_sku`. The stream ends when the caller's does.
    async fn watch(
        &self,
        ctx: &Context,
        changes: Streaming<WatchStock>,
    ) -> PortResult<Streaming<PortResult<StockLevel>>>;

    /// Every account and every claim, page by page, for `tradewind audit`.
    async fn audit(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<InventoryRecord>>;
}

/// `stock`
pub const STOCK: Operation =
    Operation::read("inventory", "stock", "/stock/{sku}").grpc("/tradewind.inventory.v1.Inventory/Stock");
/// `reserve`
pub const RESERVE: Operation = Operation::idempotent("inventory", "reserve", "/reservations/{order_id}")
    .grpc("/tradewind.inventory.v1.Inventory/Reserve");
/// `commit`
pub const COMMIT: Operation = Operation::idempotent("inventory", "commit", "/reservations/{order_id}/commit")
    .grpc("/tradewind.inventory.v1.Inventory/Commit");
/// `release`
pub const RELEASE: Operation =
    Operation::idempotent("inventory", "release", "/reservations/{order_id}/release")
        .grpc("/tradewind.inventory.v1.Inventory/Release");
/// `reservation`
pub const RESERVATION: Operation = Operation::read("inventory", "reservation", "/reservations/{order_id}")
    .grpc("/tradewind.inventory.v1.Inventory/Reservation");
/// `watch`
pub const WATCH: Operation = Operation::read("inventory", "watch", "/stock-watch")
    .by(Verb::Post)
    .shaped(Shape::Duplex)
    .grpc("/tradewind.inventory.v1.Inventory/Watch");
/// `audit`
pub const AUDIT: Operation =
    Operation::read("inventory", "audit", "/audit/inventory").grpc("/tradewind.inventory.v1.Inventory/Audit");

/// Every operation of the port.
pub const OPERATIONS: &[&Operation] = &[&STOCK, &RESERVE, &COMMIT, &RELEASE, &RESERVATION, &WATCH, &AUDIT];

/// Asks how much there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GetStock {
    /// Of which product.
    pub sku: Sku,
}

/// How much of a product there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StockLevel {
    /// Which product.
    pub sku: Sku,
    /// Free to be reserved.
    pub available: u32,
    /// Set aside for orders under way.
    pub reserved: u32,
    /// Rises with every change of this product's stock.
    pub version: u64,
}

/// Sets goods aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReserveStock {
    /// For which order.
    pub order_id: OrderId,
    /// What, each product once, 1 to 50 lines.
    pub lines: Vec<Line>,
}

/// Turns a reservation into a sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommitStock {
    /// Of which order.
    pub order_id: OrderId,
}

/// Gives goods back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReleaseStock {
    /// Of which order.
    pub order_id: OrderId,
}

/// Asks for an order's claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GetReservation {
    /// Of which order.
    pub order_id: OrderId,
}

/// The claim of one order on goods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reservation {
    /// Whose.
    pub order_id: OrderId,
    /// How it stands.
    pub status: ReservationStatus,
    /// What; empty for a tombstone.
    pub lines: Vec<Line>,
    /// When it lapses, unless committed before.
    pub expires_at: Timestamp,
}

/// How a claim stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReservationStatus {
    /// Set aside until it lapses.
    Reserved,
    /// Sold.
    Committed,
    /// Given back, or refused in advance.
    Released,
    /// Lapsed, and given back.
    Expired,
}

/// One change of what a watcher wants to see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WatchStock {
    /// Begin to report this product.
    Add(Sku),
    /// Report it no more.
    Drop(Sku),
}

/// One line of the inventory's books, as the audit sees them: first all accounts, then all claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InventoryRecord {
    /// A product's account.
    Account(StockAccount),
    /// An order's claim.
    Claim(Reservation),
}

/// The account of one product: `available = initial - sold - reserved`, and none is negative.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StockAccount {
    /// Which product.
    pub sku: Sku,
    /// What there was at first, plus what was restocked by hand.
    pub initial: i64,
    /// Free to be reserved.
    pub available: i64,
    /// Set aside.
    pub reserved: i64,
    /// Sold.
    pub sold: i64,
}

/// What the inventory tells the world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum InventoryEvent {
    /// Goods were set aside.
    StockReserved {
        /// The claim.
        reservation: Reservation,
        /// For those who come later in a choreographed order.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        passed: Option<Passed>,
    },
    /// Goods could not be set aside.
    StockRefused {
        /// For which order.
        order_id: OrderId,
        /// Why.
        reason: Reason,
    },
    /// Goods were sold.
    StockCommitted {
        /// The claim.
        reservation: Reservation,
    },
    /// Goods could not be sold any more.
    StockCommitRefused {
        /// For which order.
        order_id: OrderId,
        /// Why.
        reason: Reason,
    },
    /// A claim lapsed, and its goods were given back.
    StockExpired {
        /// The claim.
        reservation: Reservation,
    },
    /// Goods were given back, or an order was refused in advance.
    StockReleased {
        /// The claim.
        reservation: Reservation,
    },
}

impl Event for InventoryEvent {
    const MODULE: &'static str = "inventory";
    const NAMES: &'static [&'static str] = &[
        "stock_reserved",
        "stock_refused",
        "stock_committed",
        "stock_commit_refused",
        "stock_expired",
        "stock_released",
    ];

    fn name(&self) -> &'static str {
        match self {
            Self::StockReserved { .. } => "stock_reserved",
            Self::StockRefused { .. } => "stock_refused",
            Self::StockCommitted { .. } => "stock_committed",
            Self::StockCommitRefused { .. } => "stock_commit_refused",
            Self::StockExpired { .. } => "stock_expired",
            Self::StockReleased { .. } => "stock_released",
        }
    }

    fn subject(&self) -> OrderId {
        match self {
            Self::StockReserved { reservation, .. }
            | Self::StockCommitted { reservation }
            | Self::StockExpired { reservation }
            | Self::StockReleased { reservation } => reservation.order_id,
            Self::StockRefused { order_id, .. } | Self::StockCommitRefused { order_id, .. } => *order_id,
        }
    }

    /// A claim only ever moves on, so how far it has come is its version.
    fn sequence(&self) -> u64 {
        match self {
            Self::StockRefused { .. } => 0,
            Self::StockReserved { .. } => 1,
            Self::StockCommitRefused { .. } => 1,
            Self::StockCommitted { .. } => 2,
            Self::StockExpired { .. } => 2,
            Self::StockReleased { .. } => 3,
        }
    }
}
