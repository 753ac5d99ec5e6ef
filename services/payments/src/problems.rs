//! What a refusal tells the client.

use contracts::{Code, OrderId, Problem};

use crate::domain::{Decline, Refusal};

/// The problem that stands for `refusal` of a request about `order`.
pub(crate) fn of(order: OrderId, refusal: Refusal) -> Problem {
    let (code, detail) = match refusal {
        Refusal::Declined(decline) => return declined(decline),
        Refusal::Compensated => {
            (Code::Compensated, format!("the payment of order {order} was undone before"))
        }
        Refusal::OtherCharge => {
            (Code::Conflict, format!("order {order} was authorized for another amount or card"))
        }
        Refusal::NoPayment => (Code::NotFound, format!("there is no payment of order {order}")),
        Refusal::NothingHeld => (Code::Conflict, format!("the payment of order {order} was declined")),
        Refusal::AlreadyCaptured => {
            (Code::Conflict, format!("the payment of order {order} was captured: it can only be refunded"))
        }
        Refusal::NotCaptured => (Code::Conflict, format!("nothing was captured of order {order}")),
    };
    Problem::new(code, detail)
}

/// The problem that stands for what the bank said.
pub(crate) fn declined(decline: Decline) -> Problem {
    let (code, detail) = match decline {
        Decline::Declined => (Code::CardDeclined, "the bank declined the card"),
        Decline::UnknownCard => (Code::CardDeclined, "the card network knows no such card"),
        Decline::InsufficientFunds => (Code::InsufficientFunds, "the card has insufficient funds"),
    };
    Problem::new(code, detail)
}
