//! Why shipping refuses something that makes sense as a request.

use contracts::{Code, OrderId, PortError, Problem};

use super::tariff::HEAVIEST_GRAMS;

/// A decision against a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No carrier goes there.
    #[error("no carrier goes to {country}")]
    NotServed {
        /// Where.
        country: String,
    },
    /// No carrier takes so much.
    #[error("{weight_grams} g are too heavy: the carriers take {HEAVIEST_GRAMS} g at the most")]
    TooHeavy {
        /// How much it weighs.
        weight_grams: u32,
    },
    /// The shipment was called off; it will not be booked again.
    #[error("the shipment of order {0} was cancelled")]
    Cancelled(OrderId),
    /// The order has a shipment of other goods or to another place.
    #[error("order {0} has a shipment with another address or weight")]
    Different(OrderId),
    /// The goods have left, and the caller does not recall them.
    #[error("the goods of order {0} have left")]
    Left(OrderId),
}

impl Refusal {
    fn code(&self) -> Code {
        match self {
            Self::NotServed { .. } | Self::TooHeavy { .. } => Code::ShipmentRefused,
            Self::Cancelled(_) => Code::Compensated,
            Self::Different(_) => Code::Conflict,
            Self::Left(_) => Code::AlreadyShipped,
        }
    }
}

impl From<Refusal> for PortError {
    fn from(refusal: Refusal) -> Self {
        Problem::new(refusal.code(), refusal.to_string()).into()
    }
}
