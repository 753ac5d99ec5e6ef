//! Durations in buckets: log-linear, eight to each power of two.
//!
//! A duration is counted in units of 1.024 µs. Below eight units every unit has its own bucket; above, every power of
//! two is cut into eight equal parts. There are 256 buckets, which reach to 4.9 hours; longer durations count as the
//! longest. Whatever is read from a histogram is the middle of a bucket, and so is off by at most 1/16 of the true
//! value (6.25 %), or by half a unit (0.512 µs) if that is more.

/// Buckets of a histogram.
pub(super) const BUCKETS: usize = 256;
/// A unit is two to this power of nanoseconds.
const UNIT_BITS: u32 = 10;
/// Each power of two has two to this power of buckets.
const PART_BITS: u32 = 3;
/// The lower bits of a cell say how often, the upper ones in which bucket.
const COUNT_BITS: u32 = 24;
const MOST: u32 = (1 << COUNT_BITS) - 1;

/// The bucket of a duration in nanoseconds.
fn bucket(nanos: u64) -> u8 {
    let units = nanos >> UNIT_BITS;
    if units < 1 << PART_BITS {
        return units as u8;
    }
    let power = units.ilog2();
    let part = (units >> (power - PART_BITS)) - (1 << PART_BITS);
    let bucket = (u64::from(power - PART_BITS + 1) << PART_BITS) + part;
    u8::try_from(bucket).unwrap_or(u8::MAX)
}

/// The middle of a bucket, in nanoseconds.
fn middle(bucket: u8) -> f64 {
    let (octave, part) = (u32::from(bucket) >> PART_BITS, u64::from(bucket) & ((1 << PART_BITS) - 1));
    let (low, width) = match octave.checked_sub(1) {
        None => (part, 1_u64),
        Some(shift) => ((part + (1 << PART_BITS)) << shift, 1 << shift),
    };
    ((low << UNIT_BITS) as f64) + ((width << UNIT_BITS) as f64) / 2.0
}

/// A few durations: only the buckets that are in use, four bytes each.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    /// In order of the buckets.
    cells: Vec<u32>,
}

impl Histogram {
    pub(super) fn record(&mut self, nanos: u64) {
        let bucket = u32::from(bucket(nanos));
        match self.cells.binary_search_by_key(&bucket, |cell| cell >> COUNT_BITS) {
            // stands still at 16 million of a bucket, rather than becoming another bucket
            Ok(at) if self.cells[at] & MOST == MOST => {}
            Ok(at) => self.cells[at] += 1,
            Err(at) => self.cells.insert(at, bucket << COUNT_BITS | 1),
        }
    }

    /// How many buckets are in use.
    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }
}

/// The durations of many histograms.
#[derive(Debug, Clone)]
pub(super) struct Durations {
    counts: Box<[u64; BUCKETS]>,
    total: u64,
}

impl Default for Durations {
    fn default() -> Self {
        Self { counts: Box::new([0; BUCKETS]), total: 0 }
    }
}

impl Durations {
    pub(super) fn add(&mut self, histogram: &Histogram) {
        for cell in &histogram.cells {
            let count = u64::from(cell & MOST);
            self.counts[(cell >> COUNT_BITS) as usize] += count;
            self.total += count;
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (sum, more) in self.counts.iter_mut().zip(other.counts.iter()) {
            *sum += more;
        }
        self.total += other.total;
    }

    /// The duration in nanoseconds that this share of all do not exceed (nearest rank); none if there are none.
    pub(super) fn quantile(&self, share: f64) -> Option<f64> {
        if self.total == 0 {
            return None;
        }
        let rank = ((self.total as f64 * share).ceil() as u64).clamp(1, self.total);
        let mut seen = 0;
        let found = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        });
        found.and_then(|at| u8::try_from(at).ok()).map(middle)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LONGEST: u64 = 17_000_000_000_000;

    fn durations(samples: &[u64]) -> Durations {
        let mut histogram = Histogram::default();
        samples.iter().for_each(|nanos| histogram.record(*nanos));
        let mut durations = Durations::default();
        durations.add(&histogram);
        durations
    }

    #[test]
    fn buckets_follow_each_other_without_a_gap() {
        let mut last = 0;
        for units in 0..100_000_u64 {
            let next = bucket(units << UNIT_BITS);
            assert!(next == last || next == last + 1, "{units}");
            last = next;
        }
        assert_eq!(bucket(u64::MAX), u8::MAX);
        // the last bucket is one of the others, and takes in what is longer besides
        assert!(bucket(LONGEST - (LONGEST >> 3)) < u8::MAX);
    }

    /// The width of a long bucket was once reckoned in 32 bits, and was nothing.
    #[test]
    fn hours_are_told_as_well_as_microseconds() {
        let exact = 10_555_311_626_650;
        let told = durations(&[exact]).quantile(1.0).unwrap();
        assert!((told - exact as f64).abs() <= exact as f64 / 16.0, "{told}");
    }

    #[test]
    fn a_full_bucket_stays_that_bucket() {
        let mut histogram = Histogram { cells: vec![7 << COUNT_BITS | (MOST - 1)] };
        for _ in 0..3 {
            histogram.record(7 << UNIT_BITS);
        }
        assert_eq!(histogram.cells, [7 << COUNT_BITS | MOST]);
    }

    #[test]
    fn nothing_has_no_percentile() {
        assert_eq!(Durations::default().quantile(0.5), None);
    }

    proptest! {
        #[test]
        fn percentiles_are_as_near_as_is_said(
            mut samples in proptest::collection::vec(
                prop_oneof![0..20_000_u64, 0..50_000_000_u64, 0..LONGEST], 1..500,
            ),
            share in 0.0..=1.0_f64,
        ) {
            let durations = durations(&samples);
            samples.sort_unstable();
            let rank = ((samples.len() as f64 * share).ceil() as usize).clamp(1, samples.len());
            let exact = samples[rank - 1] as f64;
            let told = durations.quantile(share).unwrap();
            prop_assert!((told - exact).abs() <= f64::max(512.0, exact / 16.0), "{told} for {exact}");
        }

        #[test]
        fn merging_is_the_same_as_counting_together(
            a in proptest::collection::vec(0..LONGEST, 0..50),
            b in proptest::collection::vec(0..LONGEST, 0..50),
        ) {
            let mut merged = durations(&a);
            merged.merge(&durations(&b));
            let together = durations(&[a, b].concat());
            prop_assert_eq!(merged.counts, together.counts);
            prop_assert_eq!(merged.total, together.total);
        }
    }
}
