//! What is heard of a choreographed order before its time.
//!
//! The modules act on each other's events, and orders hears of it through queues of their own, so that
//! one event may overtake another: the goods are sold, and that the carrier was booked is not yet known.
//! Such news is kept with the order, and tried again after each move.

use super::saga::{Input, State, Step, step};

/// Keeps `input`; says whether it is news. There are not more different ones than answers to effects, so
/// the list is bounded.
pub fn keep(early: &mut Vec<Input>, input: &Input) -> bool {
    let known = early.iter().any(|kept| kept.answers_as(input));
    if !known {
        early.push(input.clone());
    }
    !known
}

/// Takes out the first that now moves an order in `state`.
pub fn take_fitting(early: &mut Vec<Input>, state: &State) -> Option<Input> {
    let fits = |input: &Input| matches!(step(state, input), Step::Moved { .. });
    let at = early.iter().position(fits)?;
    Some(early.remove(at))
}

#[cfg(test)]
mod tests {
    use contracts::Code;

    use super::*;
    use crate::domain::saga::{Effect, Reason};

    #[test]
    fn the_same_news_is_kept_once_whatever_its_words() {
        let refused = |detail: &str| {
            let reason = Reason { code: Code::CardDeclined, detail: detail.to_owned() };
            Input::Refused(Effect::CapturePayment, reason)
        };
        let mut early = Vec::new();
        assert!(keep(&mut early, &refused("no")));
        assert!(!keep(&mut early, &refused("no, again")));
        assert!(keep(&mut early, &Input::Done(Effect::CapturePayment)));
        assert_eq!(early, [refused("no"), Input::Done(Effect::CapturePayment)]);
    }

    #[test]
    fn only_what_moves_the_order_is_taken_out() {
        let mut early = vec![Input::Done(Effect::CommitStock), Input::Done(Effect::ScheduleShipment)];
        assert_eq!(take_fitting(&mut early, &State::Authorizing), None);
        assert_eq!(take_fitting(&mut early, &State::Scheduling), Some(Input::Done(Effect::ScheduleShipment)));
        assert_eq!(take_fitting(&mut early, &State::Committing), Some(Input::Done(Effect::CommitStock)));
        assert_eq!(early, []);
    }
}
