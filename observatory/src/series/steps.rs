//! What happened, in steps of ten seconds: a ring of steps, in each of which a key has a tally.

use std::collections::{HashMap, VecDeque};

use super::histogram::{Durations, Histogram};

/// Nanoseconds of a step.
pub(super) const STEP: u64 = 10_000_000_000;
/// Bytes of a tally without its buckets, with its place in the step and its share of the key.
const TALLY_BYTES: usize = 160;
/// Bytes of a bucket; the list of them grows by doubling.
const BUCKET_BYTES: usize = 8;

/// The steps that are remembered.
#[derive(Debug)]
pub(super) struct Steps {
    /// The oldest first. Where nothing happened there is none.
    steps: VecDeque<Step>,
    /// How many lie between the oldest that is remembered and now.
    most: u64,
    bytes: usize,
    most_bytes: usize,
}

#[derive(Debug)]
struct Step {
    /// Since 1970.
    number: u64,
    tallies: HashMap<u64, Tally>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Tally {
    calls: u32,
    errors: u32,
    durations: Histogram,
}

/// What happened in some time.
#[derive(Debug, Clone, Default)]
pub(super) struct Sum {
    pub(super) calls: u64,
    pub(super) errors: u64,
    pub(super) durations: Durations,
}

/// There was no room to count something.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoRoom;

impl Steps {
    pub(super) fn new(most: u64, most_bytes: usize) -> Self {
        Self { steps: VecDeque::new(), most, bytes: 0, most_bytes }
    }

    /// Forgets what is too old. Gives the oldest step that may still be counted in.
    pub(super) fn advance(&mut self, now: u64) -> u64 {
        let oldest = (now / STEP + 1).saturating_sub(self.most);
        while self.steps.front().is_some_and(|step| step.number < oldest) {
            self.drop_oldest();
        }
        oldest
    }

    /// The oldest step in which anything is known.
    pub(super) fn first(&self) -> Option<u64> {
        self.steps.front().map(|step| step.number)
    }

    /// Counts one thing that happened. Costs O(1), or as many of the oldest steps as must make room for it.
    pub(super) fn record(&mut self, number: u64, id: u64, duration: u64, failed: bool) -> Result<(), NoRoom> {
        while self.bytes + TALLY_BYTES + BUCKET_BYTES > self.most_bytes {
            // what is no older than itself is not given up for it
            if self.steps.front().is_none_or(|oldest| oldest.number >= number) {
                return Err(NoRoom);
            }
            self.drop_oldest();
        }
        let step = self.step(number);
        let mut grown = 0;
        let tally = step.tallies.entry(id).or_insert_with(|| {
            grown += TALLY_BYTES;
            Tally::default()
        });
        let buckets = tally.durations.len();
        tally.calls = tally.calls.saturating_add(1);
        tally.errors = tally.errors.saturating_add(u32::from(failed));
        tally.durations.record(duration);
        grown += (tally.durations.len() - buckets) * BUCKET_BYTES;
        step.bytes += grown;
        self.bytes += grown;
        Ok(())
    }

    fn step(&mut self, number: u64) -> &mut Step {
        let at = self.steps.partition_point(|step| step.number < number);
        if self.steps.get(at).is_none_or(|step| step.number != number) {
            self.steps.insert(at, Step { number, tallies: HashMap::new(), bytes: 0 });
        }
        &mut self.steps[at]
    }

    fn drop_oldest(&mut self) {
        if let Some(step) = self.steps.pop_front() {
            self.bytes -= step.bytes;
        }
    }

    /// Adds up, for each of some keys, what happened from one step to another, both included.
    pub(super) fn sums<K>(&self, keys: &[(u64, K)], from: u64, to: u64) -> Vec<Sum> {
        let mut sums = vec![Sum::default(); keys.len()];
        for step in self.between(from, to) {
            for ((id, _), sum) in keys.iter().zip(&mut sums) {
                if let Some(tally) = step.tallies.get(id) {
                    sum.add(tally);
                }
            }
        }
        sums
    }

    /// What happened of one key, if it has numbers at all, in each step from one to another, both included.
    pub(super) fn each(&self, id: Option<u64>, from: u64, to: u64) -> Vec<Option<Sum>> {
        let mut sums = vec![None; usize::try_from((to + 1).saturating_sub(from)).unwrap_or(0)];
        for step in self.between(from, to) {
            if let Some(tally) = id.and_then(|id| step.tallies.get(&id)) {
                let sum: &mut Sum = sums[(step.number - from) as usize].get_or_insert_default();
                sum.add(tally);
            }
        }
        sums
    }

    fn between(&self, from: u64, to: u64) -> impl Iterator<Item = &Step> {
        self.steps.iter().skip_while(move |step| step.number < from).take_while(move |step| step.number <= to)
    }
}

impl Sum {
    fn add(&mut self, tally: &Tally) {
        self.calls += u64::from(tally.calls);
        self.errors += u64::from(tally.errors);
        self.durations.add(&tally.durations);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.calls += other.calls;
        self.errors += other.errors;
        self.durations.merge(&other.durations);
    }

    /// How much of it failed; none if nothing happened.
    pub(super) fn error_share(&self) -> Option<f64> {
        (self.calls > 0).then(|| self.errors as f64 / self.calls as f64)
    }

    /// A percentile in milliseconds; none if nothing happened.
    pub(super) fn millis(&self, share: f64) -> Option<f64> {
        self.durations.quantile(share).map(|nanos| nanos / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_too_old_is_forgotten() {
        let mut steps = Steps::new(3, 1 << 20);
        for number in 10..14 {
            steps.record(number, 1, 5, number == 12).unwrap();
        }
        assert_eq!(steps.advance(13 * STEP), 11);
        assert_eq!(steps.first(), Some(11));
        let sum = &steps.sums(&[(1, ())], 0, u64::MAX)[0];
        assert_eq!((sum.calls, sum.errors), (3, 1));
        let each = steps.each(Some(1), 12, 14);
        assert_eq!(
            each.iter().map(|sum| sum.as_ref().map(|sum| sum.errors)).collect::<Vec<_>>(),
            [Some(1), Some(0), None]
        );
    }

    #[test]
    fn steps_come_in_any_order() {
        let mut steps = Steps::new(10, 1 << 20);
        for number in [5, 3, 4, 5] {
            steps.record(number, 1, 5, false).unwrap();
        }
        let numbers: Vec<_> = steps.steps.iter().map(|step| step.number).collect();
        assert_eq!(numbers, [3, 4, 5]);
    }

    proptest! {
        #[test]
        fn bytes_are_bounded(
            records in proptest::collection::vec((0..20_u64, 0..30_u64, 0..u64::MAX), 1..300),
            most in 0..4000_usize,
        ) {
            let mut steps = Steps::new(20, most);
            for (number, id, duration) in records {
                let _ = steps.record(number, id, duration, false);
                prop_assert!(steps.bytes <= most);
                let counted: usize = steps.steps.iter().map(|step| step.bytes).sum();
                prop_assert_eq!(steps.bytes, counted);
            }
        }
    }
}
