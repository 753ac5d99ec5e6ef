//! What becomes of a mail after an attempt to send it.

use std::time::Duration;

use contracts::Timestamp;

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// It is where it should be.
    Accepted,
    /// It never will be, and this is why.
    Refused(String),
    /// It is not, for a reason that may pass.
    Failed(String),
    /// It was not tried: there was no time left.
    PutBack,
}

/// What becomes of the mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// It is sent.
    Sent,
    /// It is given up.
    Refused {
        /// Why.
        cause: String,
    },
    /// It is tried again.
    Again {
        /// Not before this moment.
        at: Timestamp,
        /// Why; empty where it was not tried.
        cause: String,
    },
}

/// The rest after the first failure; each one after it is twice as long, up to the longest.
const FIRST_REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(300);

/// What becomes of a mail that was written at `written_at`, after its attempt number `number` (1 is the
/// first). A failure that passes is waited out, up to `patience` after it was written.
pub fn next(
    attempt: Attempt,
    number: u32,
    written_at: Timestamp,
    now: Timestamp,
    patience: Duration,
) -> Next {
    match attempt {
        Attempt::Accepted => Next::Sent,
        Attempt::Refused(cause) => Next::Refused { cause },
        Attempt::Failed(cause) if now >= written_at.plus(patience) => Next::Refused { cause },
        Attempt::Failed(cause) => Next::Again { at: now.plus(rest(number)), cause },
        Attempt::PutBack => Next::Again { at: now, cause: String::new() },
    }
}

fn rest(number: u32) -> Duration {
    let doublings = number.saturating_sub(1).min(31);
    FIRST_REST.saturating_mul(1 << doublings).min(LONGEST_REST)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITTEN: Timestamp = Timestamp(1_700_000_000_000_000);
    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn after_failure(number: u32, age: Duration) -> Next {
        next(Attempt::Failed("away".into()), number, WRITTEN, WRITTEN.plus(age), DAY)
    }

    #[test]
    fn the_rest_grows_up_to_a_bound() {
        for (number, seconds) in [(0, 1), (1, 1), (2, 2), (5, 16), (9, 256), (10, 300), (u32::MAX, 300)] {
            let at = WRITTEN.plus(Duration::from_secs(seconds));
            let expected = Next::Again { at, cause: "away".into() };
            assert_eq!(after_failure(number, Duration::ZERO), expected, "{number}");
        }
    }

    #[test]
    fn a_failure_is_given_up_after_a_day_and_not_before() {
        let eve = DAY - Duration::from_micros(1);
        assert!(matches!(after_failure(200, eve), Next::Again { .. }));
        assert_eq!(after_failure(200, DAY), Next::Refused { cause: "away".into() });
    }

    #[test]
    fn what_was_not_tried_may_be_tried_at_once_however_old() {
        let late = WRITTEN.plus(DAY * 2);
        let expected = Next::Again { at: late, cause: String::new() };
        assert_eq!(next(Attempt::PutBack, 9, WRITTEN, late, DAY), expected);
    }
}
