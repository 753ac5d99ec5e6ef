//! The test cards: what each token makes the network do. README.md lists them for users.

use crate::domain::{Decline, Kind};

/// How the network treats a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestCard {
    /// Does what it is asked.
    Approve,
    /// Refuses every hold.
    Refuse(Decline),
    /// Takes its time before it approves a hold.
    Slow,
    /// Fails every other request of each kind before it does anything.
    Flaky,
    /// Holds and captures durably, and then does not say so.
    ChargeThenTimeOut,
}

impl TestCard {
    /// The card behind a well-formed token.
    pub fn behind(token: &str) -> Self {
        match token {
            "tok_approve" => Self::Approve,
            "tok_decline" => Self::Refuse(Decline::Declined),
            "tok_insufficient_funds" => Self::Refuse(Decline::InsufficientFunds),
            "tok_slow" => Self::Slow,
            "tok_flaky" => Self::Flaky,
            "tok_charge_then_time_out" => Self::ChargeThenTimeOut,
            _ => Self::Refuse(Decline::UnknownCard),
        }
    }

    /// Whether a request of this kind is done in time, and its answer then held back.
    pub fn hangs_after(self, kind: Kind) -> bool {
        self == Self::ChargeThenTimeOut && matches!(kind, Kind::Hold | Kind::Capture)
    }
}

/// Whether a token is well-formed: `tok_` and 1 to 60 characters of `a-z 0-9 _`.
pub fn is_token(text: &str) -> bool {
    text.strip_prefix("tok_").is_some_and(|rest| {
        (1..=60).contains(&rest.len())
            && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_is_no_test_card_is_an_unknown_card() {
        assert!(is_token("tok_visa_4242"));
        assert_eq!(TestCard::behind("tok_visa_4242"), TestCard::Refuse(Decline::UnknownCard));
        for bad in ["", "tok_", "tok_Ä", "tok_UPPER", "4111111111111111", &format!("tok_{}", "a".repeat(61))]
        {
            assert!(!is_token(bad), "{bad}");
        }
    }
}
