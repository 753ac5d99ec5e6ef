//! What can be known of a payment.

use contracts::Money;
use contracts::payments::{CardToken, PaymentStatus};

/// What payments knows of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// It was voided before it was authorized: a late authorization is refused.
    Tombstone,
    /// There is a charge.
    Charge(Charge),
}

/// One charge: on which card, how much, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// How much; above zero.
    pub amount: Money,
    /// On which card.
    pub card: CardToken,
    /// How it stands.
    pub state: State,
}

/// How a charge stands. The `…ing` states are intents: stored before the network is asked, and left
/// only by what the network says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The amount is to be held.
    Authorizing,
    /// The amount is held.
    Authorized,
    /// The bank said no.
    Declined(Decline),
    /// The held amount is to be paid out.
    Capturing,
    /// The amount is ours.
    Captured,
    /// The amount is to be let go.
    Voiding(HoldInLedger),
    /// The amount was let go, or never held.
    Voided,
    /// The amount is to be given back.
    Refunding,
    /// The amount was given back.
    Refunded,
}

/// Whether the ledger has the hold that a void lets go. It has not where the void came while the
/// authorization was still open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldInLedger {
    /// The void posts the reverse.
    Posted,
    /// The void posts nothing.
    Absent,
}

/// Why the bank says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decline {
    /// It does not say.
    Declined,
    /// Not enough money.
    InsufficientFunds,
    /// The network knows no such card.
    UnknownCard,
}

impl Decline {
    /// The code in the network's API and in our tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Declined => "declined",
            Self::InsufficientFunds => "insufficient_funds",
            Self::UnknownCard => "unknown_card",
        }
    }

    /// The decline that `code` stands for.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Declined, Self::InsufficientFunds, Self::UnknownCard].into_iter().find(|d| d.as_str() == code)
    }
}

/// What the network has yet to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// Hold the amount.
    Hold,
    /// Pay it out.
    Capture,
    /// Let it go.
    Void,
    /// Give it back.
    Refund,
}

/// What the network's own record says about the order's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkState {
    /// The amount is held.
    Held,
    /// The bank said no.
    Declined(Decline),
    /// The amount was paid out.
    Captured,
    /// The amount was let go, or a hold refused in advance.
    Voided,
    /// The amount was given back.
    Refunded,
}

impl State {
    /// What the network has yet to do; nothing where no intent stands open.
    pub fn intent(self) -> Option<Intent> {
        match self {
            Self::Authorizing => Some(Intent::Hold),
            Self::Capturing => Some(Intent::Capture),
            Self::Voiding(_) => Some(Intent::Void),
            Self::Refunding => Some(Intent::Refund),
            Self::Authorized | Self::Declined(_) | Self::Captured | Self::Voided | Self::Refunded => None,
        }
    }

    /// How others see it.
    pub fn status(self) -> PaymentStatus {
        match self {
            Self::Authorizing => PaymentStatus::Authorizing,
            Self::Authorized => PaymentStatus::Authorized,
            Self::Declined(_) => PaymentStatus::Declined,
            Self::Capturing => PaymentStatus::Capturing,
            Self::Captured => PaymentStatus::Captured,
            Self::Voiding(_) => PaymentStatus::Voiding,
            Self::Voided => PaymentStatus::Voided,
            Self::Refunding => PaymentStatus::Refunding,
            Self::Refunded => PaymentStatus::Refunded,
        }
    }
}

impl Known {
    /// How others see it.
    pub fn status(&self) -> PaymentStatus {
        match self {
            Self::Tombstone => PaymentStatus::Voided,
            Self::Charge(charge) => charge.state.status(),
        }
    }

    /// How much; nothing for a tombstone.
    pub fn amount(&self) -> Option<Money> {
        match self {
            Self::Tombstone => None,
            Self::Charge(charge) => Some(charge.amount),
        }
    }
}
