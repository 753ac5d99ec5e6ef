//! The broker between the modules. It never dies and loses nothing that it has confirmed; but it is slow
//! at times, delivers twice, and delivers what came later first.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use contracts::messages::queues::{DELIVERY_LIMIT, QUEUES};
use contracts::messages::{MessageId, Outgoing, Queue};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::sim::world::{Life, Process, World};

/// How long a message is on its way to its queue, at most.
const SHORT: Duration = Duration::from_millis(200);
/// The same, where something is in its way.
const LONG: Duration = Duration::from_secs(8);

/// The broker.
pub struct Broker {
    world: Arc<World>,
    queues: BTreeMap<&'static str, Shelf>,
    unacknowledged: Mutex<BTreeMap<u64, Handed>>,
    tags: Mutex<u64>,
    dead: Mutex<Vec<DeadLetter>>,
}

/// A queue.
#[derive(Default)]
struct Shelf {
    ready: Mutex<VecDeque<Parcel>>,
    arrived: Notify,
}

/// A message in a queue.
#[derive(Clone)]
struct Parcel {
    what: Arc<Outgoing>,
    deliveries: u32,
}

/// A message that was handed to a consumer, which has not said what became of it.
struct Handed {
    queue: &'static str,
    to: Life,
    parcel: Parcel,
}

/// A message in the hands of a consumer.
pub struct Held {
    /// Names this delivery.
    pub tag: u64,
    /// What.
    pub what: Arc<Outgoing>,
    /// Which attempt this is; 1 is the first.
    pub attempt: u32,
}

/// A message that nobody could deal with.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// Out of which queue.
    pub queue: &'static str,
    /// Which.
    pub message: MessageId,
    /// Its kind.
    pub kind: String,
    /// Why.
    pub cause: String,
}

/// The broker did not say that it has everything.
pub struct Unconfirmed;

/// The queues whose modules take part in the simulation.
pub fn queues() -> impl Iterator<Item = &'static Queue> {
    let consumed = |queue: &&Queue| Process::ALL.iter().any(|process| process.name() == queue.module);
    QUEUES.iter().copied().filter(consumed)
}

impl Broker {
    /// A broker with empty queues.
    pub fn new(world: Arc<World>) -> Self {
        Self {
            world,
            queues: queues().map(|queue| (queue.name, Shelf::default())).collect(),
            unacknowledged: Mutex::default(),
            tags: Mutex::default(),
            dead: Mutex::default(),
        }
    }

    /// Takes messages in, and confirms them. Where the confirm does not come, all of them may be here, or
    /// some.
    pub async fn publish(self: &Arc<Self>, batch: &[Arc<Outgoing>]) -> Result<(), Unconfirmed> {
        self.world.delay(Duration::from_millis(60)).await;
        if self.world.misfortune(40) {
            let arrived = self.world.pick(batch.len() as u32) as usize;
            self.world.note(|| format!("{} of {} messages reach the broker", arrived, batch.len()));
            batch[..arrived].iter().for_each(|message| self.accept(message));
            return Err(Unconfirmed);
        }
        batch.iter().for_each(|message| self.accept(message));
        if self.world.misfortune(40) {
            self.world.note(|| format!("the confirm of {} messages is lost", batch.len()));
            return Err(Unconfirmed);
        }
        self.world.delay(Duration::from_millis(60)).await;
        Ok(())
    }

    fn accept(self: &Arc<Self>, what: &Arc<Outgoing>) {
        for queue in queues().filter(|queue| queue.takes(&what.to)) {
            let slow = self.world.misfortune(120);
            self.carry(queue, what, if slow { LONG } else { SHORT });
            if self.world.misfortune(80) {
                self.carry(queue, what, LONG);
            }
        }
    }

    fn carry(self: &Arc<Self>, queue: &'static Queue, what: &Arc<Outgoing>, longest: Duration) {
        let travels = Duration::from_millis(self.world.pick(longest.as_millis() as u32).into());
        let (broker, what) = (self.clone(), what.clone());
        tokio::spawn(async move {
            tokio::time::sleep(travels).await;
            broker.put(queue.name, Parcel { what, deliveries: 0 });
        });
    }

    fn put(&self, queue: &'static str, parcel: Parcel) {
        let shelf = &self.queues[queue];
        shelf.ready.lock().push_back(parcel);
        shelf.arrived.notify_one();
    }

    /// The next message of a queue, for this consumer. It comes again to the next one if this one dies, or
    /// loses its connection, before it says what became of it.
    pub async fn next(self: &Arc<Self>, queue: &'static str, to: Life) -> Held {
        let shelf = &self.queues[queue];
        loop {
            let Some(mut parcel) = shelf.ready.lock().pop_front() else {
                shelf.arrived.notified().await;
                continue;
            };
            parcel.deliveries += 1;
            if parcel.deliveries > DELIVERY_LIMIT {
                self.bury(queue, &parcel.what, "it was delivered too often".into());
                continue;
            }
            let tag = self.tag();
            let held = Held { tag, what: parcel.what.clone(), attempt: parcel.deliveries };
            self.unacknowledged.lock().insert(tag, Handed { queue, to, parcel });
            if self.world.misfortune(40) {
                self.lose_connection(tag);
            }
            return held;
        }
    }

    /// The consumer goes on with what it has in hand, and does not know that others have it too.
    fn lose_connection(self: &Arc<Self>, tag: u64) {
        let (broker, after) = (self.clone(), Duration::from_millis(self.world.pick(600).into()));
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            broker.give_back(tag);
        });
    }

    fn tag(&self) -> u64 {
        let mut tags = self.tags.lock();
        *tags += 1;
        *tags
    }

    /// The consumer is done with a message; that it said so may be lost.
    pub fn acknowledge(&self, tag: u64) {
        if self.world.misfortune(20) {
            self.give_back(tag);
        } else {
            self.unacknowledged.lock().remove(&tag);
        }
    }

    /// The consumer could not deal with a message: it is delivered again.
    pub fn give_back(&self, tag: u64) {
        let handed = self.unacknowledged.lock().remove(&tag);
        if let Some(Handed { queue, parcel, .. }) = handed {
            self.put(queue, parcel);
        }
    }

    /// The consumer says that nobody can deal with a message.
    pub fn put_aside(&self, tag: u64, cause: String) {
        let handed = self.unacknowledged.lock().remove(&tag);
        if let Some(Handed { queue, parcel, .. }) = handed {
            self.bury(queue, &parcel.what, cause);
        }
    }

    /// A process is gone: what it had in hand is delivered again.
    pub fn mourn(&self, life: Life) {
        let theirs = |(tag, handed): (&u64, &Handed)| (handed.to == life).then_some(*tag);
        let tags: Vec<u64> = self.unacknowledged.lock().iter().filter_map(theirs).collect();
        tags.into_iter().for_each(|tag| self.give_back(tag));
    }

    fn bury(&self, queue: &'static str, what: &Outgoing, cause: String) {
        let (message, kind) = (what.message.id, what.message.kind.clone());
        self.world.note(|| format!("{queue} puts aside {kind} of {}: {cause}", what.message.subject));
        self.dead.lock().push(DeadLetter { queue, message, kind, cause });
    }

    /// What nobody could deal with.
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.dead.lock().clone()
    }
}
