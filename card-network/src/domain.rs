//! What a request does to a hold: pure, and idempotent by key.

use serde::Serialize;

use crate::cards::TestCard;

/// What the network is asked to do under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Hold an amount on a card.
    Hold {
        /// Which card.
        card: String,
        /// How much, in minor units.
        amount: i64,
        /// Of which currency.
        currency: String,
    },
    /// Pay the held amount out.
    Capture,
    /// Let the held amount go, or refuse a hold in advance.
    Void,
    /// Give the captured amount back.
    Refund,
}

/// The kinds of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// [`Request::Hold`]
    Hold,
    /// [`Request::Capture`]
    Capture,
    /// [`Request::Void`]
    Void,
    /// [`Request::Refund`]
    Refund,
}

impl Kind {
    /// Its name in the books.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Capture => "capture",
            Self::Void => "void",
            Self::Refund => "refund",
        }
    }
}

impl Request {
    /// Which kind it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Hold { .. } => Kind::Hold,
            Self::Capture => Kind::Capture,
            Self::Void => Kind::Void,
            Self::Refund => Kind::Refund,
        }
    }
}

/// Why a bank says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decline {
    /// It does not say.
    Declined,
    /// Not enough money.
    InsufficientFunds,
    /// No such card.
    UnknownCard,
}

impl Decline {
    /// The code in API and books.
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

/// How a hold stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
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
    /// Its name in API and books.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Declined(_) => "declined",
            Self::Captured => "captured",
            Self::Voided => "voided",
            Self::Refunded => "refunded",
        }
    }
}

/// What was asked to be charged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// The card's token.
    pub card: String,
    /// Minor units, above zero.
    pub amount: i64,
    /// Three letters.
    pub currency: String,
}

/// The books on one key. The counters say what was done, however often it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Nothing where the key was voided before any hold.
    pub charge: Option<Charge>,
    /// How it stands.
    pub state: State,
    /// Holds ever placed.
    pub holds: i64,
    /// Captures ever made.
    pub captures: i64,
    /// Paid out, in minor units.
    pub captured: i64,
    /// Let go, in minor units.
    pub voided: i64,
    /// Given back, in minor units.
    pub refunded: i64,
}

/// Why a request changes nothing and is not answered with what it asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is nothing under this key.
    UnknownKey,
    /// The key stands for another card or amount.
    KeyReused,
    /// The state does not allow it.
    Conflict(State),
    /// The bank said no, now or before.
    Declined(Decline),
}

/// What a request comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// The books after it; nothing where there is nothing under the key.
    pub hold: Option<Hold>,
    /// Whether the one who asked gets what it asked for.
    pub verdict: Result<(), Refusal>,
}

/// Rules on a request. A repeated request finds what the first one did and gets the same answer.
pub fn rule(before: Option<&Hold>, request: &Request) -> Ruling {
    match (before, request) {
        (None, Request::Hold { card, amount, currency }) => {
            place(Charge { card: card.clone(), amount: *amount, currency: currency.clone() })
        }
        // a request to hold that is still under way somewhere must not succeed after this
        (None, Request::Void) => Ruling { hold: Some(tombstone()), verdict: Ok(()) },
        (None, Request::Capture | Request::Refund) => {
            Ruling { hold: None, verdict: Err(Refusal::UnknownKey) }
        }
        (Some(hold), request) => hold.rule(request),
    }
}

fn place(charge: Charge) -> Ruling {
    let (state, holds, verdict) = match TestCard::behind(&charge.card) {
        TestCard::Refuse(decline) => (State::Declined(decline), 0, Err(Refusal::Declined(decline))),
        _ => (State::Held, 1, Ok(())),
    };
    let hold = Hold { charge: Some(charge), state, holds, captures: 0, captured: 0, voided: 0, refunded: 0 };
    Ruling { hold: Some(hold), verdict }
}

fn tombstone() -> Hold {
    Hold { charge: None, state: State::Voided, holds: 0, captures: 0, captured: 0, voided: 0, refunded: 0 }
}

impl Hold {
    fn rule(&self, request: &Request) -> Ruling {
        let amount = self.charge.as_ref().map_or(0, |charge| charge.amount);
        let mut after = self.clone();
        let verdict = match (request, self.state) {
            (Request::Hold { card, amount, currency }, _) if self.is_for_other(card, *amount, currency) => {
                Err(Refusal::KeyReused)
            }
            (_, State::Declined(decline)) if *request != Request::Void => Err(Refusal::Declined(decline)),
            (Request::Hold { .. }, State::Voided) => Err(Refusal::Conflict(self.state)),
            (Request::Hold { .. }, _) => Ok(()),

            (Request::Capture, State::Held) => {
                after.state = State::Captured;
                after.captures += 1;
                after.captured += amount;
                Ok(())
            }
            (Request::Capture, State::Captured) => Ok(()),

            (Request::Void, State::Held) => {
                after.state = State::Voided;
                after.voided += amount;
                Ok(())
            }
            // there is nothing to let go
            (Request::Void, State::Voided | State::Declined(_)) => Ok(()),

            (Request::Refund, State::Captured) => {
                after.state = State::Refunded;
                after.refunded += amount;
                Ok(())
            }
            (Request::Refund, State::Refunded) => Ok(()),

            (Request::Capture | Request::Void | Request::Refund, state) => Err(Refusal::Conflict(state)),
        };
        Ruling { hold: Some(after), verdict }
    }

    fn is_for_other(&self, card: &str, amount: i64, currency: &str) -> bool {
        self.charge.as_ref().is_some_and(|charge| {
            charge.card != card || charge.amount != amount || charge.currency != currency
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hold(card: &str, amount: i64) -> Request {
        Request::Hold { card: card.into(), amount, currency: "EUR".into() }
    }

    fn after(requests: &[Request]) -> Ruling {
        let start = Ruling { hold: None, verdict: Ok(()) };
        requests.iter().fold(start, |ruling, request| rule(ruling.hold.as_ref(), request))
    }

    #[test]
    fn a_late_hold_after_a_void_is_refused() {
        let ruling = after(&[Request::Void, hold("tok_approve", 5)]);
        assert_eq!(ruling.verdict, Err(Refusal::Conflict(State::Voided)));
        assert_eq!(ruling.hold.map(|hold| hold.holds), Some(0));
    }

    #[test]
    fn a_key_stands_for_one_card_and_one_amount() {
        let approve = hold("tok_approve", 5);
        assert_eq!(after(&[approve.clone(), hold("tok_approve", 6)]).verdict, Err(Refusal::KeyReused));
        assert_eq!(after(&[approve.clone(), hold("tok_slow", 5)]).verdict, Err(Refusal::KeyReused));
        assert_eq!(after(&[approve.clone(), approve]).verdict, Ok(()));
    }

    #[test]
    fn a_decline_is_remembered() {
        let declined = hold("tok_insufficient_funds", 5);
        let refused = Err(Refusal::Declined(Decline::InsufficientFunds));
        assert_eq!(after(std::slice::from_ref(&declined)).verdict, refused);
        assert_eq!(after(&[declined.clone(), declined.clone()]).verdict, refused);
        assert_eq!(after(&[declined, Request::Capture]).verdict, refused);
    }

    fn requests() -> impl Strategy<Value = Vec<Request>> {
        let one = prop_oneof![
            Just(hold("tok_approve", 5)),
            Just(hold("tok_decline", 5)),
            Just(hold("tok_approve", 7)),
            Just(Request::Capture),
            Just(Request::Void),
            Just(Request::Refund),
        ];
        proptest::collection::vec(one, 0..12)
    }

    proptest! {
        #[test]
        fn money_moves_once_and_never_more_than_was_held(requests in requests()) {
            if let Some(hold) = after(&requests).hold {
                let amount = hold.charge.as_ref().map_or(0, |charge| charge.amount) * hold.holds;
                prop_assert!(hold.holds <= 1 && hold.captures <= hold.holds);
                prop_assert!(hold.captured == amount * hold.captures);
                prop_assert!(hold.captured + hold.voided <= amount);
                prop_assert!(hold.refunded <= hold.captured);
            }
        }

        #[test]
        fn a_request_that_is_sent_twice_changes_and_says_the_same_as_once(requests in requests()) {
            if let Some(last) = requests.last() {
                let once = after(&requests);
                prop_assert_eq!(rule(once.hold.as_ref(), last), once);
            }
        }
    }
}
