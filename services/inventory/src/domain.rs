//! What the inventory decides, given what is: no I/O, no SQL, no clock of its own.
//!
//! A claim passes through these states; everything else is answered as it stands or refused.
//!
//! ```text
//!            commit               release
//! reserved ─────────▶ committed ─────────▶ released ◀── release of an order not seen: a tombstone
//!    │  └───────────────release──────────────▶ ▲
//!    └──▶ expired ───────release───────────────┘
//! ```

use contracts::inventory::{Reservation, ReservationStatus};
use contracts::orders::Coordination;
use contracts::types::Line;
use contracts::{OrderId, Sku, Timestamp};

/// Why a change was refused. A refused `reserve` leaves nothing behind, and a later one may succeed; only
/// that of a choreographed order is remembered: see [`is_remembered`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// These products are not stocked.
    UnknownSkus(Vec<Shortage>),
    /// Not enough of these is left.
    OutOfStock(Vec<Shortage>),
    /// The order has a claim already, on other goods.
    OtherLines,
    /// The order's release came first.
    Compensated,
    /// The reservation's time had run out.
    Expired,
    /// The order has no claim.
    NoClaim,
}

/// A line that cannot be reserved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    /// The line's place in the request.
    pub line: usize,
    /// Of which product.
    pub sku: Sku,
    /// How many were asked for.
    pub wanted: u32,
    /// How many there are; nothing where the product is not stocked.
    pub left: Option<u32>,
}

impl Refusal {
    /// What the shortages of a request amount to: products that nobody stocks come first, because
    /// waiting does not mend those.
    pub fn of(mut shortages: Vec<Shortage>) -> Option<Self> {
        if shortages.is_empty() {
            return None;
        }
        shortages.sort_by_key(|shortage| shortage.line);
        let unknown: Vec<_> = shortages.iter().filter(|shortage| shortage.left.is_none()).cloned().collect();
        Some(if unknown.is_empty() { Self::OutOfStock(shortages) } else { Self::UnknownSkus(unknown) })
    }
}

/// How the goods of a claim move between the columns of their accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Movement {
    /// From available to reserved.
    Reserve,
    /// From reserved to sold.
    Sell,
    /// From reserved back to available.
    GiveBack,
    /// From sold back to available.
    Restock,
}

/// A claim's next status, and what becomes of its goods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The status after.
    pub to: ReservationStatus,
    /// Where the goods go, when they move.
    pub movement: Option<Movement>,
}

/// What is done about a request that meets a claim: perhaps a change, and the answer. A late commit has
/// both a change (the claim lapses) and a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What is written.
    pub change: Option<Change>,
    /// What is answered: the claim as it then stands, or why not.
    pub answer: Result<(), Refusal>,
}

impl Verdict {
    const STANDS: Self = Self { change: None, answer: Ok(()) };

    fn passes(to: ReservationStatus, movement: Option<Movement>) -> Self {
        Self { change: Some(Change { to, movement }), answer: Ok(()) }
    }

    fn refused(refusal: Refusal) -> Self {
        Self { change: None, answer: Err(refusal) }
    }
}

/// Whether goods that could not be set aside stay refused to the order, whatever is on the shelves later.
///
/// Whoever drives an order decides once, on the first answer. A choreographed order nobody drives: all act
/// on what they hear. Were its message worked on twice, and goods given back in between, then they would
/// hear both answers: orders would reject the order, and payments and shipping go on with it.
pub fn is_remembered(coordination: Coordination) -> bool {
    coordination == Coordination::Choreographed
}

/// What stands in place of a claim where the order is to get none.
pub fn tombstone(order_id: OrderId, now: Timestamp) -> Reservation {
    Reservation { order_id, status: ReservationStatus::Released, lines: Vec::new(), expires_at: now }
}

/// A `reserve` meets a claim of the same order, which is in `coordination`.
pub fn repeat(claim: &Reservation, lines: &[Line], coordination: Coordination) -> Result<(), Refusal> {
    let same = !claim.lines.is_empty() && by_sku(&claim.lines) == by_sku(lines);
    match claim.status {
        // all have heard that the goods were set aside, and must hear nothing else, even where they were
        // given back since
        ReservationStatus::Released if same && coordination == Coordination::Choreographed => Ok(()),
        ReservationStatus::Released => Err(Refusal::Compensated),
        _ if same => Ok(()),
        _ => Err(Refusal::OtherLines),
    }
}

/// A `commit` meets a claim.
pub fn commit(claim: &Reservation, now: Timestamp) -> Verdict {
    match claim.status {
        // the sweep may not have come by yet: the time counts, not the sweep
        ReservationStatus::Reserved if is_due(claim, now) => {
            Verdict { answer: Err(Refusal::Expired), ..expire(claim, now) }
        }
        ReservationStatus::Reserved => Verdict::passes(ReservationStatus::Committed, Some(Movement::Sell)),
        ReservationStatus::Committed => Verdict::STANDS,
        ReservationStatus::Expired => Verdict::refused(Refusal::Expired),
        ReservationStatus::Released => Verdict::refused(Refusal::Compensated),
    }
}

/// A `release` meets a claim.
pub fn release(claim: &Reservation) -> Verdict {
    let movement = match claim.status {
        ReservationStatus::Released => return Verdict::STANDS,
        ReservationStatus::Reserved => Some(Movement::GiveBack),
        ReservationStatus::Committed => Some(Movement::Restock),
        // given back already; it is marked all the same, so that a late commit learns of the compensation
        ReservationStatus::Expired => None,
    };
    Verdict::passes(ReservationStatus::Released, movement)
}

/// The sweep meets a claim that was due when it looked.
pub fn expire(claim: &Reservation, now: Timestamp) -> Verdict {
    match claim.status {
        ReservationStatus::Reserved if is_due(claim, now) => {
            Verdict::passes(ReservationStatus::Expired, Some(Movement::GiveBack))
        }
        _ => Verdict::STANDS,
    }
}

fn is_due(claim: &Reservation, now: Timestamp) -> bool {
    claim.expires_at <= now
}

/// The lines in the order in which their accounts are locked, the same for every claim: two claims on
/// the same products wait for each other, and never in a circle.
pub fn by_sku(lines: &[Line]) -> Vec<&Line> {
    let mut sorted: Vec<_> = lines.iter().collect();
    sorted.sort_by(|one, other| one.sku.cmp(&other.sku));
    sorted
}

#[cfg(test)]
mod tests {
    use contracts::OrderId;
    use proptest::prelude::*;

    use super::*;
    use Coordination::{Choreographed, Orchestrated, Sync};
    use ReservationStatus::{Committed, Expired, Released, Reserved};

    const NOW: Timestamp = Timestamp(1_000_000);

    fn claim(status: ReservationStatus, expires_at: i64) -> Reservation {
        let lines = vec![line("A", 1), line("B", 2)];
        Reservation {
            order_id: OrderId(Default::default()),
            status,
            lines,
            expires_at: Timestamp(expires_at),
        }
    }

    fn line(sku: &str, quantity: u32) -> Line {
        Line { sku: sku.into(), quantity }
    }

    #[test]
    fn a_repeated_reserve_is_known_by_its_lines_in_any_order() {
        for status in [Reserved, Committed, Expired] {
            for drives in [Sync, Orchestrated, Choreographed] {
                let claim = claim(status, NOW.0 + 1);
                let other = Err(Refusal::OtherLines);
                assert_eq!(repeat(&claim, &[line("B", 2), line("A", 1)], drives), Ok(()));
                assert_eq!(repeat(&claim, &[line("A", 1)], drives), other);
                assert_eq!(repeat(&claim, &[line("A", 1), line("B", 3)], drives), other);
            }
        }
    }

    #[test]
    fn a_reserve_after_the_release_is_refused_whatever_its_lines() {
        let claim = claim(Released, NOW.0);
        for drives in [Sync, Orchestrated] {
            assert_eq!(repeat(&claim, &claim.lines, drives), Err(Refusal::Compensated));
            assert_eq!(repeat(&claim, &[], drives), Err(Refusal::Compensated));
        }
    }

    #[test]
    fn of_a_choreographed_order_the_first_answer_stands() {
        let released = claim(Released, NOW.0);
        assert_eq!(repeat(&released, &released.lines, Choreographed), Ok(()));
        assert_eq!(repeat(&released, &[line("A", 1)], Choreographed), Err(Refusal::Compensated));
        let refused = tombstone(released.order_id, NOW);
        for lines in [&released.lines[..], &[]] {
            assert_eq!(repeat(&refused, lines, Choreographed), Err(Refusal::Compensated));
        }
    }

    #[test]
    fn a_commit_at_the_very_moment_of_expiry_is_too_late() {
        let late = commit(&claim(Reserved, NOW.0), NOW);
        assert_eq!(late.answer, Err(Refusal::Expired));
        assert_eq!(late.change, Some(Change { to: Expired, movement: Some(Movement::GiveBack) }));
        let in_time = commit(&claim(Reserved, NOW.0 + 1), NOW);
        assert_eq!(in_time, Verdict::passes(Committed, Some(Movement::Sell)));
    }

    #[test]
    fn a_release_undoes_what_was_done_and_no_more() {
        let movement =
            |status| release(&claim(status, NOW.0)).change.map(|change| (change.to, change.movement));
        assert_eq!(movement(Reserved), Some((Released, Some(Movement::GiveBack))));
        assert_eq!(movement(Committed), Some((Released, Some(Movement::Restock))));
        assert_eq!(movement(Expired), Some((Released, None)));
        assert_eq!(movement(Released), None);
    }

    #[test]
    fn products_that_nobody_stocks_are_named_before_those_that_are_short() {
        let shortage = |line, left| Shortage { line, sku: "A".into(), wanted: 2, left };
        assert_eq!(Refusal::of(vec![]), None);
        assert_eq!(
            Refusal::of(vec![shortage(1, Some(1)), shortage(0, Some(0))]),
            Some(Refusal::OutOfStock(vec![shortage(0, Some(0)), shortage(1, Some(1))]))
        );
        assert_eq!(
            Refusal::of(vec![shortage(0, Some(1)), shortage(1, None)]),
            Some(Refusal::UnknownSkus(vec![shortage(1, None)]))
        );
    }

    fn any_status() -> impl Strategy<Value = ReservationStatus> {
        prop_oneof![Just(Reserved), Just(Committed), Just(Released), Just(Expired)]
    }

    proptest! {
        /// Whatever a verdict changes, asking again finds nothing left to change.
        #[test]
        fn a_second_time_changes_nothing(status in any_status(), expires_at in 0..2 * NOW.0) {
            for decide in [|c: &_| commit(c, NOW), release, |c: &_| expire(c, NOW)] {
                let mut claim = claim(status, expires_at);
                let first = decide(&claim);
                if let Some(change) = first.change {
                    claim.status = change.to;
                }
                let second = decide(&claim);
                prop_assert_eq!(second.change, None);
                prop_assert_eq!(second.answer, first.answer);
            }
        }
    }
}
