//! What a change of a payment tells the world: pure.

use contracts::messages::Passed;
use contracts::orders::Reason;
use contracts::payments::PaymentEvent;

use crate::domain::{Known, State};
use crate::problems;
use crate::store::Stored;

/// What is true of a payment that has just become what it is. Nothing where an intent begins: what comes
/// of it is for the card network to say.
pub fn of(stored: &Stored, passed: Option<Passed>) -> Option<PaymentEvent> {
    let payment = stored.clone().into();
    let state = match &stored.known {
        Known::Tombstone => State::Voided,
        Known::Charge(charge) => charge.state,
    };
    Some(match state {
        State::Authorized => PaymentEvent::PaymentAuthorized { payment, passed },
        State::Declined(decline) => {
            let problem = problems::declined(decline);
            let reason = Reason { code: problem.code.as_str().to_owned(), detail: problem.detail };
            PaymentEvent::PaymentDeclined { order_id: stored.order_id, reason }
        }
        State::Captured => PaymentEvent::PaymentCaptured { payment },
        State::Voided => PaymentEvent::PaymentVoided { payment },
        State::Refunded => PaymentEvent::PaymentRefunded { payment },
        State::Authorizing | State::Capturing | State::Voiding(_) | State::Refunding => return None,
    })
}
