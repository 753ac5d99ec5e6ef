//! How what is known of a payment changes.

use contracts::Money;
use contracts::payments::CardToken;

use super::ledger::Transfer;
use super::state::{Charge, Decline, HoldInLedger, Intent, Known, NetworkState, State};

/// What happens to a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Hold an amount on a card.
    Authorize {
        /// How much.
        amount: Money,
        /// On which card.
        card: CardToken,
    },
    /// Take the held amount.
    Capture,
    /// Let the held amount go.
    Void,
    /// Give the captured amount back.
    Refund,
    /// Finish the intent that stands open, whatever it is.
    Finish,
    /// What the network says about it.
    Learn(NetworkState),
}

/// What an input comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What is known after it.
    pub known: Known,
    /// What the network has to do before the input is answered. It may be another intent than the
    /// input's own: then that one comes first, and the input is put again.
    pub intent: Option<Intent>,
    /// What the ledger gets, together with the change.
    pub transfers: Vec<Transfer>,
}

/// Why an input is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The bank said no.
    Declined(Decline),
    /// It was undone before.
    Compensated,
    /// The order was authorized for another amount or card.
    OtherCharge,
    /// Nothing is known of the order.
    NoPayment,
    /// A declined payment has nothing to capture.
    NothingHeld,
    /// What was captured can be refunded, not voided.
    AlreadyCaptured,
    /// What was not captured cannot be refunded.
    NotCaptured,
}

/// The transition function.
pub fn step(known: Option<&Known>, input: &Input) -> Result<Step, Refusal> {
    match (known, input) {
        (None, Input::Authorize { amount, card }) => {
            let charge = Charge { amount: *amount, card: card.clone(), state: State::Authorizing };
            Ok(charge.waiting())
        }
        (None, Input::Void) => Ok(settled(Known::Tombstone)),
        (None, _) => Err(Refusal::NoPayment),
        (Some(Known::Tombstone), Input::Authorize { .. } | Input::Capture) => Err(Refusal::Compensated),
        (Some(Known::Tombstone), Input::Refund) => Err(Refusal::NotCaptured),
        (Some(Known::Tombstone), Input::Void | Input::Finish | Input::Learn(_)) => {
            Ok(settled(Known::Tombstone))
        }
        (Some(Known::Charge(charge)), Input::Authorize { amount, card }) => charge.authorize(*amount, card),
        (Some(Known::Charge(charge)), Input::Capture) => charge.capture(),
        (Some(Known::Charge(charge)), Input::Void) => charge.void(),
        (Some(Known::Charge(charge)), Input::Refund) => charge.refund(),
        (Some(Known::Charge(charge)), Input::Finish) => Ok(charge.waiting()),
        (Some(Known::Charge(charge)), Input::Learn(says)) => Ok(charge.learn(*says)),
    }
}

fn settled(known: Known) -> Step {
    Step { known, intent: None, transfers: Vec::new() }
}

impl Charge {
    fn authorize(&self, amount: Money, card: &CardToken) -> Result<Step, Refusal> {
        if self.amount != amount || self.card != *card {
            return Err(Refusal::OtherCharge);
        }
        match self.state {
            State::Authorizing => Ok(self.waiting()),
            State::Authorized | State::Capturing | State::Captured => Ok(self.unchanged()),
            State::Declined(decline) => Err(Refusal::Declined(decline)),
            State::Voiding(_) | State::Voided | State::Refunding | State::Refunded => {
                Err(Refusal::Compensated)
            }
        }
    }

    fn capture(&self) -> Result<Step, Refusal> {
        match self.state {
            State::Authorized => Ok(self.to(State::Capturing, None)),
            State::Authorizing | State::Capturing => Ok(self.waiting()),
            // it did succeed, whatever became of the amount since: a late repetition that was refused would
            // have others undo an order that was paid
            State::Captured | State::Refunding | State::Refunded => Ok(self.unchanged()),
            State::Declined(_) => Err(Refusal::NothingHeld),
            State::Voiding(_) | State::Voided => Err(Refusal::Compensated),
        }
    }

    fn void(&self) -> Result<Step, Refusal> {
        match self.state {
            // the network refuses a hold under a key that it has voided, so a request to hold that is
            // still on its way cannot succeed afterwards
            State::Authorizing => Ok(self.to(State::Voiding(HoldInLedger::Absent), None)),
            State::Authorized => Ok(self.to(State::Voiding(HoldInLedger::Posted), None)),
            // a capture under way is past the point of no return: first learn how it ends
            State::Capturing | State::Voiding(_) => Ok(self.waiting()),
            State::Voided | State::Declined(_) => Ok(self.unchanged()),
            State::Captured | State::Refunding | State::Refunded => Err(Refusal::AlreadyCaptured),
        }
    }

    fn refund(&self) -> Result<Step, Refusal> {
        match self.state {
            State::Captured => Ok(self.to(State::Refunding, None)),
            State::Capturing | State::Refunding => Ok(self.waiting()),
            State::Refunded => Ok(self.unchanged()),
            State::Authorizing | State::Authorized => Err(Refusal::NotCaptured),
            State::Declined(_) | State::Voiding(_) | State::Voided => Err(Refusal::NotCaptured),
        }
    }

    /// Takes over what the network says where it answers the open intent. Anything else is old news: the
    /// network has not got to the intent yet, or another call has told us already.
    fn learn(&self, says: NetworkState) -> Step {
        match (self.state, says) {
            (State::Authorizing, NetworkState::Held) => self.to(State::Authorized, Some(Transfer::Authorize)),
            (State::Authorizing, NetworkState::Declined(decline)) => self.to(State::Declined(decline), None),
            (State::Authorizing, NetworkState::Voided) => self.to(State::Voided, None),
            (State::Capturing, NetworkState::Captured) => self.to(State::Captured, Some(Transfer::Capture)),
            (State::Capturing, NetworkState::Voided) => self.to(State::Voided, Some(Transfer::Void)),
            (State::Voiding(HoldInLedger::Posted), NetworkState::Voided) => {
                self.to(State::Voided, Some(Transfer::Void))
            }
            (State::Voiding(HoldInLedger::Absent), NetworkState::Voided | NetworkState::Declined(_)) => {
                self.to(State::Voided, None)
            }
            (State::Refunding, NetworkState::Refunded) => self.to(State::Refunded, Some(Transfer::Refund)),
            _ => self.waiting(),
        }
    }

    /// Whether what the network says answers the open intent.
    pub fn is_answered_by(&self, says: NetworkState) -> bool {
        self.learn(says).known != Known::Charge(self.clone())
    }

    fn to(&self, state: State, transfer: Option<Transfer>) -> Step {
        let charge = Self { state, ..self.clone() };
        Step { transfers: transfer.into_iter().collect(), ..charge.waiting() }
    }

    /// As it stands, once its open intent is fulfilled.
    fn waiting(&self) -> Step {
        Step { known: Known::Charge(self.clone()), intent: self.state.intent(), transfers: Vec::new() }
    }

    /// As it stands, at once.
    fn unchanged(&self) -> Step {
        settled(Known::Charge(self.clone()))
    }
}
