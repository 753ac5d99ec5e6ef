//! Chance, time, who is alive, and the mistake that is planted: what all parts of a simulation share.

use std::sync::Arc;
use std::time::Duration;

use chassis::clock::Clock;
use contracts::Timestamp;
use parking_lot::Mutex;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio::sync::watch;
use tokio::time::Instant;

use super::Bug;
use super::run::{Crashes, Plan};

/// A process that may die: each runs one module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Process {
    /// Drives orders.
    Orders,
    /// Keeps the goods.
    Inventory,
    /// Keeps the money.
    Payments,
    /// Keeps the carriers' lists.
    Shipping,
}

impl Process {
    /// Every one of them.
    pub const ALL: [Self; 4] = [Self::Orders, Self::Inventory, Self::Payments, Self::Shipping];

    /// The name of its module.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Inventory => "inventory",
            Self::Payments => "payments",
            Self::Shipping => "shipping",
        }
    }
}

/// Which life of which process an action belongs to. Actions of an earlier life never happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// Whose.
    pub process: Process,
    /// Its how many-eth, from 0.
    pub number: u32,
}

/// What all parts of a simulation share.
pub struct World {
    chance: Mutex<SmallRng>,
    began: Instant,
    lives: [watch::Sender<u32>; Process::ALL.len()],
    deaths: Mutex<Deaths>,
    faults: Mutex<Faults>,
    bug: Option<Bug>,
    /// What happened, in order: equal for equal seeds.
    pub log: Mutex<Vec<String>>,
}

struct Deaths {
    plan: Crashes,
    points: u32,
    /// How many of those points lie before the last thing that was written down.
    eventful: u32,
    left: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Faults {
    On,
    Off,
}

impl World {
    /// A world of its own for each plan.
    pub fn new(plan: &Plan) -> Self {
        Self {
            chance: Mutex::new(SmallRng::seed_from_u64(plan.seed)),
            began: Instant::now(),
            lives: std::array::from_fn(|_| watch::channel(0).0),
            deaths: Mutex::new(Deaths { plan: plan.crashes, points: 0, eventful: 0, left: 6 }),
            faults: Mutex::new(Faults::On),
            bug: plan.bug,
            log: Mutex::default(),
        }
    }

    /// The time.
    pub fn clock(&self) -> SimClock {
        SimClock(self.began)
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        self.clock().now()
    }

    /// Whether this mistake is planted.
    pub fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// A whole number from 0 up to `below`.
    pub fn pick(&self, below: u32) -> u32 {
        self.chance.lock().random_range(0..below)
    }

    /// Whether something goes wrong that goes wrong in so many of a thousand cases, as long as things do.
    pub fn misfortune(&self, of_a_thousand: u32) -> bool {
        // chance is asked in any case, so that calm changes nothing else
        self.pick(1_000) < of_a_thousand && !self.is_calm()
    }

    /// Waits for a random time of up to `longest`.
    pub async fn delay(&self, longest: Duration) {
        let millis = self.pick(longest.as_millis() as u32 + 1);
        tokio::time::sleep(Duration::from_millis(millis.into())).await;
    }

    /// Writes down what happens.
    pub fn note(&self, what: impl FnOnce() -> String) {
        self.log.lock().push(format!("{:>7} ms {}", self.began.elapsed().as_millis(), what()));
        let mut deaths = self.deaths.lock();
        deaths.eventful = deaths.points;
    }

    /// From now on nothing fails any more: the time to settle.
    pub fn calm(&self) {
        *self.faults.lock() = Faults::Off;
    }

    /// Whether things no longer fail.
    pub fn is_calm(&self) -> bool {
        *self.faults.lock() == Faults::Off
    }

    /// The present life of a process.
    pub fn life(&self, process: Process) -> Life {
        Life { process, number: *self.lives[process as usize].borrow() }
    }

    /// Tells when a process died.
    pub fn deaths(&self, process: Process) -> watch::Receiver<u32> {
        self.lives[process as usize].subscribe()
    }

    /// How many points there were at which some process could have died, up to the last thing that
    /// happened.
    pub fn eventful_points(&self) -> u32 {
        self.deaths.lock().eventful
    }

    /// A point between two actions of a process: it may die here, or this part of it may be held up while
    /// everything else goes on. An action of a life that is over never returns.
    pub async fn point(&self, life: Life, name: &str) {
        if life == self.life(life.process) && self.dies_here() {
            self.note(|| format!("{} dies at {name}", life.process.name()));
            self.lives[life.process as usize].send_modify(|number| *number += 1);
        } else if self.misfortune(15) {
            self.note(|| format!("{} is held up at {name}", life.process.name()));
            self.delay(Duration::from_secs(3)).await;
        }
        if life != self.life(life.process) {
            std::future::pending::<()>().await;
        }
    }

    fn dies_here(&self) -> bool {
        let unlucky = self.misfortune(12);
        let mut deaths = self.deaths.lock();
        let point = deaths.points;
        deaths.points += 1;
        match deaths.plan {
            Crashes::Never => false,
            Crashes::At(at) => point == at,
            Crashes::Sometimes => {
                let dies = unlucky && deaths.left > 0;
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

/// One life of one process, and the world that it lives in: what each of its parts is given.
#[derive(Clone)]
pub struct Station {
    /// The world.
    pub world: Arc<World>,
    /// The life.
    pub life: Life,
}

impl Station {
    /// See [`World::point`].
    pub async fn point(&self, name: &str) {
        self.world.point(self.life, name).await;
    }
}
