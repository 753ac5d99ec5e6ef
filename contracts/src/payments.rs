//! Payments: other people's money, in a double-entry ledger.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::messages::{Event, Passed};
use crate::operation::Operation;
use crate::types::{Money, OrderId, Page, PageRequest, Reason, Timestamp};
use crate::{Context, PortResult};

/// What other modules ask of payments. Every changing operation is keyed by the order's id: its
/// repetition answers what the first execution answered. Where the card network's answer stays out
/// and cannot be looked up either, the answer is `outcome_unknown`: ask again.
#[async_trait]
pub trait Payments: Send + Sync + 'static {
    /// Holds an amount on a card. `card_declined`, `insufficient_funds`; `compensated` where a void
    /// of this order came first; `conflict` where the order was authorized for another amount.
    async fn authorize(&self, ctx: &Context, request: AuthorizePayment) -> PortResult<Payment>;

    /// Takes the held amount: the point of no return. `compensated` where it was voided, `conflict`
    /// where it was declined, `not_found` where there is no payment. A repetition succeeds also where the
    /// amount was given back since.
    async fn capture(&self, ctx: &Context, request: CapturePayment) -> PortResult<Payment>;

    /// Lets a held amount go. For an order not seen before it leaves a tombstone that refuses a late
    /// `authorize`. `conflict` where the amount was captured.
    async fn void(&self, ctx: &Context, request: VoidPayment) -> PortResult<Payment>;

    /// Gives a captured amount back. `conflict` where nothing was captured, `not_found` where there is
    /// no payment.
    async fn refund(&self, ctx: &Context, request: RefundPayment) -> PortResult<Payment>;

    /// The payment of an order as it stands. `not_found` where there is none.
    async fn payment(&self, ctx: &Context, request: GetPayment) -> PortResult<Payment>;

    /// The ledger's postings, oldest first, page by page.
    async fn ledger(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<Posting>>;

    /// Every payment beside the card network's own record of it, page by page, for `tradewind audit`.
    async fn audit(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<AuditedPayment>>;
}

/// `authorize`
pub const AUTHORIZE: Operation = Operation::idempotent("payments", "authorize", "/payments/{order_id}")
    .within(Duration::from_secs(4))
    .grpc("/tradewind.payments.v1.Payments/Authorize");
/// `capture`
pub const CAPTURE: Operation = Operation::idempotent("payments", "capture", "/payments/{order_id}/capture")
    .within(Duration::from_secs(4))
    .grpc("/tradewind.payments.v1.Payments/Capture");
/// `void`
pub const VOID: Operation = Operation::idempotent("payments", "void", "/payments/{order_id}/void")
    .within(Duration::from_secs(4))
    .grpc("/tradewind.payments.v1.Payments/Void");
/// `refund`
pub const REFUND: Operation = Operation::idempotent("payments", "refund", "/payments/{order_id}/refund")
    .within(Duration::from_secs(4))
    .grpc("/tradewind.payments.v1.Payments/Refund");
/// `payment`
pub const PAYMENT: Operation = Operation::read("payments", "payment", "/payments/{order_id}")
    .grpc("/tradewind.payments.v1.Payments/Payment");
/// `ledger`
pub const LEDGER: Operation =
    Operation::read("payments", "ledger", "/ledger").grpc("/tradewind.payments.v1.Payments/Ledger");
/// `audit`
pub const AUDIT: Operation = Operation::read("payments", "audit", "/audit/payments")
    .within(Duration::from_secs(10))
    .grpc("/tradewind.payments.v1.Payments/Audit");

/// Every operation of the port.
pub const OPERATIONS: &[&Operation] = &[&AUTHORIZE, &CAPTURE, &VOID, &REFUND, &PAYMENT, &LEDGER, &AUDIT];

/// A card, as the card network's vault names it. The shop never sees a card number, so a token may
/// be stored and logged. The tokens of the test cards are listed in `card-network/README.md`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct CardToken(pub String);

impl CardToken {
    /// Whether it is well-formed: `tok_` and 1 to 60 characters of `a-z 0-9 _`.
    pub fn is_valid(&self) -> bool {
        self.0.strip_prefix("tok_").is_some_and(|rest| {
            (1..=60).contains(&rest.len())
                && rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        })
    }
}

/// Holds an amount on a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuthorizePayment {
    /// For which order.
    pub order_id: OrderId,
    /// How much; above zero.
    pub amount: Money,
    /// On which card.
    pub card: CardToken,
}

/// Takes the held amount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CapturePayment {
    /// Of which order.
    pub order_id: OrderId,
}

/// Lets the held amount go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VoidPayment {
    /// Of which order.
    pub order_id: OrderId,
}

/// Gives the captured amount back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefundPayment {
    /// Of which order.
    pub order_id: OrderId,
}

/// Asks for an order's payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GetPayment {
    /// Of which order.
    pub order_id: OrderId,
}

/// The payment of one order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Payment {
    /// Whose.
    pub order_id: OrderId,
    /// How it stands.
    pub status: PaymentStatus,
    /// How much; nothing for a tombstone, which never learnt the amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// How a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// The card network was asked to hold the amount; its answer is out.
    Authorizing,
    /// The amount is held.
    Authorized,
    /// The bank said no.
    Declined,
    /// The card network was asked to pay out; its answer is out.
    Capturing,
    /// The amount is ours.
    Captured,
    /// The card network was asked to let the amount go; its answer is out.
    Voiding,
    /// The amount was let go, or refused in advance.
    Voided,
    /// The card network was asked to give the amount back; its answer is out.
    Refunding,
    /// The amount was given back.
    Refunded,
}

/// One line of the double-entry ledger. The postings of a transfer sum to zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Posting {
    /// Sorts by time.
    pub id: String,
    /// Which transfer it is part of: `authorize:<order>`.
    pub transfer: String,
    /// For which order.
    pub order_id: OrderId,
    /// Which account: `card_receivable`, `customer_holds`, `sales`, `cash`.
    pub account: String,
    /// Debit if positive, credit if negative.
    pub amount: Money,
    /// When.
    pub posted_at: Timestamp,
}

/// A payment as the audit sees it: our record beside the card network's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditedPayment {
    /// Our record.
    pub payment: Payment,
    /// The network's record under the same key; nothing where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkRecord>,
}

/// What the card network's own books say about one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NetworkRecord {
    /// How many holds were ever placed.
    pub holds: u32,
    /// How many captures were ever made.
    pub captures: u32,
    /// What was paid out to the shop, over all captures, in minor units.
    pub captured: i64,
    /// What was given back, over all refunds, in minor units.
    pub refunded: i64,
}

/// What payments tell the world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum PaymentEvent {
    /// The amount is held.
    PaymentAuthorized {
        /// The payment.
        payment: Payment,
        /// For those who come later in a choreographed order.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        passed: Option<Passed>,
    },
    /// The amount could not be held.
    PaymentDeclined {
        /// For which order.
        order_id: OrderId,
        /// Why.
        reason: Reason,
    },
    /// The amount is ours.
    PaymentCaptured {
        /// The payment.
        payment: Payment,
    },
    /// The amount could not be taken.
    PaymentCaptureRefused {
        /// For which order.
        order_id: OrderId,
        /// Why.
        reason: Reason,
    },
    /// The amount was let go, or an order was refused in advance.
    PaymentVoided {
        /// The payment.
        payment: Payment,
    },
    /// The amount was given back.
    PaymentRefunded {
        /// The payment.
        payment: Payment,
    },
}

impl Event for PaymentEvent {
    const MODULE: &'static str = "payments";
    const NAMES: &'static [&'static str] = &[
        "payment_authorized",
        "payment_declined",
        "payment_captured",
        "payment_capture_refused",
        "payment_voided",
        "payment_refunded",
    ];

    fn name(&self) -> &'static str {
        match self {
            Self::PaymentAuthorized { .. } => "payment_authorized",
            Self::PaymentDeclined { .. } => "payment_declined",
            Self::PaymentCaptured { .. } => "payment_captured",
            Self::PaymentCaptureRefused { .. } => "payment_capture_refused",
            Self::PaymentVoided { .. } => "payment_voided",
            Self::PaymentRefunded { .. } => "payment_refunded",
        }
    }

    fn subject(&self) -> OrderId {
        match self {
            Self::PaymentAuthorized { payment, .. }
            | Self::PaymentCaptured { payment }
            | Self::PaymentVoided { payment }
            | Self::PaymentRefunded { payment } => payment.order_id,
            Self::PaymentDeclined { order_id, .. } | Self::PaymentCaptureRefused { order_id, .. } => {
                *order_id
            }
        }
    }

    /// A payment only ever moves on, so how far it has come is its version.
    fn sequence(&self) -> u64 {
        match self {
            Self::PaymentAuthorized { .. } | Self::PaymentDeclined { .. } => 1,
            Self::PaymentCaptureRefused { .. } => 1,
            Self::PaymentCaptured { .. } => 2,
            Self::PaymentVoided { .. } | Self::PaymentRefunded { .. } => 3,
        }
    }
}
