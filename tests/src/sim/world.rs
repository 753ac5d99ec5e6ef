//! Chance, time, and who is alive.

use std::time::Duration;

use chassis::clock::Clock;
use contracts::Timestamp;
use parking_lot::Mutex;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio::sync::watch;
use tokio::time::Instant;

use super::run::Crashes;

/// Which life of the orders process an action belongs to. Actions of an earlier life never happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life(pub u32);

/// What all parts of a simulation share.
pub struct World {
    chance: Mutex<SmallRng>,
    began: Instant,
    life: watch::Sender<u32>,
    deaths: Mutex<Deaths>,
    faults: Mutex<Faults>,
    /// What happened, in order: equal for equal seeds.
    pub log: Mutex<Vec<String>>,
}

struct Deaths {
    plan: Crashes,
    points: u32,
    left: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Faults {
    On,
    Off,
}

impl World {
    /// A world of its own for each seed.
    pub fn new(seed: u64, plan: Crashes) -> Self {
        Self {
            chance: Mutex::new(SmallRng::seed_from_u64(seed)),
            began: Instant::now(),
            life: watch::channel(0).0,
            deaths: Mutex::new(Deaths { plan, points: 0, left: 4 }),
            faults: Mutex::new(Faults::On),
            log: Mutex::default(),
        }
    }

    /// A whole number from 0 up to `below`.
    pub fn pick(&self, below: u32) -> u32 {
        self.chance.lock().random_range(0..below)
    }

    /// Waits for a random time of up to `longest`.
    pub async fn delay(&self, longest: Duration) {
        let millis = self.pick(longest.as_millis() as u32 + 1);
        tokio::time::sleep(Duration::from_millis(millis.into())).await;
    }

    /// Writes down what happens.
    pub fn note(&self, what: impl FnOnce() -> String) {
        self.log.lock().push(format!("{:>7} ms {}", self.began.elapsed().as_millis(), what()));
    }

    /// From now on nothing fails any more: the time to settle.
    pub fn calm(&self) {
        *self.faults.lock() = Faults::Off;
    }

    /// Whether things still fail.
    pub fn is_calm(&self) -> bool {
        *self.faults.lock() == Faults::Off
    }

    /// The present life of the orders process.
    pub fn life(&self) -> Life {
        Life(*self.life.borrow())
    }

    /// Tells when the orders process died.
    pub fn deaths(&self) -> watch::Receiver<u32> {
        self.life.subscribe()
    }

    /// How many points there were at which the orders process could have died.
    pub fn points(&self) -> u32 {
        self.deaths.lock().points
    }

    /// A point between two actions of the orders process: it may die here. An action of a life that is
    /// over never returns.
    pub async fn point(&self, life: Life, name: &str) {
        if life == self.life() && self.dies_here() {
            self.note(|| format!("orders dies at {name}"));
            self.life.send_modify(|life| *life += 1);
        }
        if life != self.life() {
            std::future::pending::<()>().await;
        }
    }

    fn dies_here(&self) -> bool {
        let chance = self.pick(100);
        let calm = self.is_calm();
        let mut deaths = self.deaths.lock();
        let point = deaths.points;
        deaths.points += 1;
        match deaths.plan {
            Crashes::Never => false,
            Crashes::At(at) => point == at,
            Crashes::Sometimes => {
                let dies = !calm && deaths.left > 0 && chance < 2;
                deaths.left -= u32::from(dies);
                dies
            }
        }
    }
}

/// The virtual time as time of day.
pub struct SimClock(pub Instant);

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_800_000_000_000_000).plus(self.0.elapsed())
    }
}
