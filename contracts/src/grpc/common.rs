//! Money, lines, addresses, moments and page requests as protobuf.

use super::{Proto, pb};
use crate::error::Problem;
use crate::types::{Address, Currency, Line, Money, PageRequest, Sku, Timestamp};

const MICROS_PER_SECOND: i64 = 1_000_000;
const NANOS_PER_MICRO: i32 = 1_000;

impl Proto for Money {
    type Message = pb::common::Money;

    fn into_message(self) -> Self::Message {
        Self::Message { amount: self.amount, currency: self.currency.as_str().to_owned() }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        let currency = Currency::parse(&message.currency).ok_or_else(|| {
            Problem::invalid_field("currency", format!("is not EUR, USD or GBP: {:?}", message.currency))
        })?;
        Ok(Self { amount: message.amount, currency })
    }
}

impl Proto for Line {
    type Message = pb::common::Line;

    fn into_message(self) -> Self::Message {
        Self::Message { sku: self.sku.0, quantity: self.quantity }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self { sku: Sku(message.sku), quantity: message.quantity })
    }
}

impl Proto for Address {
    type Message = pb::common::Address;

    fn into_message(self) -> Self::Message {
        let Self { name, street, city, postal_code, country } = self;
        Self::Message { name, street, city, postal_code, country }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        let Self::Message { name, street, city, postal_code, country } = message;
        Ok(Self { name, street, city, postal_code, country })
    }
}

impl Proto for PageRequest {
    type Message = pb::common::PageRequest;

    fn into_message(self) -> Self::Message {
        Self::Message { cursor: self.cursor, limit: self.limit }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self { cursor: message.cursor, limit: message.limit })
    }
}

impl Proto for Timestamp {
    type Message = pb::Timestamp;

    /// Nanoseconds count forward from the second, also before 1970, as protobuf defines it.
    fn into_message(self) -> Self::Message {
        // the remainder is below a million, so its nanoseconds fit
        let micros = self.0.rem_euclid(MICROS_PER_SECOND) as i32;
        Self::Message { seconds: self.0.div_euclid(MICROS_PER_SECOND), nanos: micros * NANOS_PER_MICRO }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        if !(0..1_000_000_000).contains(&message.nanos) {
            return Err(Problem::invalid_field(
                "nanos",
                format!("must be 0 to 999999999, not {}", message.nanos),
            ));
        }
        // in wider arithmetic, because the first moment of all begins before its own second
        let micros = i128::from(message.seconds) * i128::from(MICROS_PER_SECOND)
            + i128::from(message.nanos / NANOS_PER_MICRO);
        i64::try_from(micros)
            .map(Self)
            .map_err(|_| Problem::invalid_field("seconds", format!("are out of range: {}", message.seconds)))
    }
}
