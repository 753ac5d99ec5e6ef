//! Randomness, handed in: a test or a simulation seeds it.

use parking_lot::Mutex;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

/// Draws numbers.
pub trait Chance: Send + Sync + 'static {
    /// A number below `bound`, which is above 0.
    fn below(&self, bound: usize) -> usize;
}

/// The thread's own generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct ThreadChance;

impl Chance for ThreadChance {
    fn below(&self, bound: usize) -> usize {
        rand::rng().random_range(0..bound.max(1))
    }
}

/// A generator that draws the same numbers from the same seed.
#[derive(Debug)]
pub struct SeededChance(Mutex<SmallRng>);

impl SeededChance {
    /// The generator of this seed.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(SmallRng::seed_from_u64(seed)))
    }
}

impl Chance for SeededChance {
    fn below(&self, bound: usize) -> usize {
        self.0.lock().random_range(0..bound.max(1))
    }
}
