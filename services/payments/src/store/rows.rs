//! Between rows and what they mean. A row that makes no sense is an error, never a guess.

use chassis::messaging::participant::books;
use chassis::store::StoreError;
use contracts::messages::Origin;
use contracts::payments::{CardToken, PaymentStatus, Posting};
use contracts::{Currency, Money, OrderId, Timestamp};

use super::{Moment, Stored};
use crate::domain::{Charge, Decline, HoldInLedger, Known, State};

/// A row as it was read.
pub(super) struct Versioned {
    pub stored: Stored,
    /// What a write compares before it sets.
    pub version: i64,
    /// Under what circumstances the order was first touched.
    pub origin: Option<Origin>,
}

/// The columns that follow from what is known.
pub(super) struct Columns {
    pub status: &'static str,
    pub decline_code: Option<&'static str>,
    pub hold_posted: i64,
    pub settle_at: Option<i64>,
}

impl Columns {
    pub fn of(known: &Known, moment: Moment) -> Self {
        let state = match known {
            Known::Tombstone => State::Voided,
            Known::Charge(charge) => charge.state,
        };
        Self {
            status: status_name(state.status()),
            decline_code: match state {
                State::Declined(decline) => Some(decline.as_str()),
                _ => None,
            },
            hold_posted: i64::from(state == State::Voiding(HoldInLedger::Posted)),
            settle_at: state.intent().map(|_| moment.settle_at.0),
        }
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct PaymentRow {
    order_id: String,
    status: String,
    amount: Option<i64>,
    currency: Option<String>,
    card: Option<String>,
    decline_code: Option<String>,
    hold_posted: i64,
    version: i64,
    updated_at: i64,
    origin: Option<String>,
}

impl TryFrom<PaymentRow> for Versioned {
    type Error = StoreError;

    fn try_from(row: PaymentRow) -> Result<Self, StoreError> {
        let known = match (row.amount, &row.currency, row.card) {
            (None, None, None) => Known::Tombstone,
            (Some(amount), Some(code), Some(card)) => Known::Charge(Charge {
                amount: Money { amount, currency: currency(code)? },
                card: CardToken(card),
                state: state(&row.status, row.decline_code.as_deref(), row.hold_posted)?,
            }),
            other => return Err(StoreError::corrupt("amount, currency, card", other)),
        };
        let stored =
            Stored { order_id: order_id(&row.order_id)?, known, updated_at: Timestamp(row.updated_at) };
        Ok(Self { stored, version: row.version, origin: books::origin_in(row.origin)? })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct PostingRow {
    id: String,
    transfer: String,
    order_id: String,
    account: String,
    amount: i64,
    currency: String,
    posted_at: i64,
}

impl TryFrom<PostingRow> for Posting {
    type Error = StoreError;

    fn try_from(row: PostingRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            transfer: row.transfer,
            order_id: order_id(&row.order_id)?,
            account: row.account,
            amount: Money { amount: row.amount, currency: currency(&row.currency)? },
            posted_at: Timestamp(row.posted_at),
        })
    }
}

pub(super) fn order_id(text: &str) -> Result<OrderId, StoreError> {
    OrderId::parse("order_id", text).map_err(|_| StoreError::corrupt("order_id", text))
}

fn currency(text: &str) -> Result<Currency, StoreError> {
    Currency::parse(text).ok_or_else(|| StoreError::corrupt("currency", text))
}

fn status_name(status: PaymentStatus) -> &'static str {
    match status {
        PaymentStatus::Authorizing => "authorizing",
        PaymentStatus::Authorized => "authorized",
        PaymentStatus::Declined => "declined",
        PaymentStatus::Capturing => "capturing",
        PaymentStatus::Captured => "captured",
        PaymentStatus::Voiding => "voiding",
        PaymentStatus::Voided => "voided",
        PaymentStatus::Refunding => "refunding",
        PaymentStatus::Refunded => "refunded",
    }
}

fn state(status: &str, decline_code: Option<&str>, hold_posted: i64) -> Result<State, StoreError> {
    Ok(match (status, decline_code) {
        ("authorizing", None) => State::Authorizing,
        ("authorized", None) => State::Authorized,
        ("capturing", None) => State::Capturing,
        ("captured", None) => State::Captured,
        ("voiding", None) if hold_posted == 1 => State::Voiding(HoldInLedger::Posted),
        ("voiding", None) => State::Voiding(HoldInLedger::Absent),
        ("voided", None) => State::Voided,
        ("refunding", None) => State::Refunding,
        ("refunded", None) => State::Refunded,
        ("declined", Some(code)) => State::Declined(
            Decline::from_code(code).ok_or_else(|| StoreError::corrupt("decline_code", code))?,
        ),
        other => return Err(StoreError::corrupt("status", other)),
    })
}
