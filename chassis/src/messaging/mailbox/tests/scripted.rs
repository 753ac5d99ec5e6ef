//! A broker that does what a test says.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use contracts::messages::{MessageId, Outgoing};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::messaging::broker::PublishError;
use crate::messaging::mailbox::Publish;

/// What becomes of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// All of it is confirmed.
    Confirm,
    /// Nothing arrived.
    Away,
    /// All of it arrived, and the answer did not.
    TakeAndFail,
    /// All of it arrived, and no answer ever comes.
    TakeAndHang,
    /// All of it arrived, and is confirmed once the test says so.
    ConfirmWhenTold,
}

type Script = Box<dyn Fn(usize, &[Outgoing]) -> Then + Send + Sync>;

/// Remembers what it took.
pub struct Scripted {
    script: Script,
    taken: Mutex<Vec<Outgoing>>,
    batches: Mutex<Vec<usize>>,
    /// What no queue takes.
    returned: Mutex<BTreeSet<MessageId>>,
    told: Semaphore,
    confirmed_when_told: AtomicUsize,
}

impl Scripted {
    /// A broker that treats its batches, counted from 1, as `script` says.
    pub fn new(script: impl Fn(usize, &[Outgoing]) -> Then + Send + Sync + 'static) -> Self {
        Self {
            script: Box::new(script),
            taken: Mutex::default(),
            batches: Mutex::default(),
            returned: Mutex::default(),
            told: Semaphore::new(0),
            confirmed_when_told: AtomicUsize::new(0),
        }
    }

    /// A broker that works.
    pub fn working() -> Self {
        Self::new(|_, _| Then::Confirm)
    }

    /// A broker that returns these messages until it is told otherwise.
    pub fn returning(messages: &[MessageId]) -> Self {
        let broker = Self::working();
        *broker.returned.lock() = messages.iter().copied().collect();
        broker
    }

    /// From now on it returns nothing.
    pub fn take_all(&self) {
        self.returned.lock().clear();
    }

    /// Confirms one batch that waits to be; returns when whoever published it has been answered.
    pub async fn confirm(&self) {
        let before = self.confirmed_when_told.load(Ordering::SeqCst);
        self.told.add_permits(1);
        testkit::eventually("a confirm", super::PATIENCE, async || {
            (self.confirmed_when_told.load(Ordering::SeqCst) > before).then_some(())
        })
        .await;
    }

    /// Everything that it took, as often as it came.
    pub fn taken(&self) -> Vec<Outgoing> {
        self.taken.lock().clone()
    }

    /// The ids of what it took, each where it came first.
    pub fn heard(&self) -> Vec<MessageId> {
        let mut known = BTreeSet::new();
        let taken = self.taken.lock();
        taken.iter().map(|outgoing| outgoing.message.id).filter(|id| known.insert(*id)).collect()
    }

    /// How large each batch was.
    pub fn batches(&self) -> Vec<usize> {
        self.batches.lock().clone()
    }
}

impl Publish for std::sync::Arc<Scripted> {
    async fn publish(&self, messages: &[Outgoing]) -> Result<(), PublishError> {
        let number = {
            let mut batches = self.batches.lock();
            batches.push(messages.len());
            batches.len()
        };
        let then = (self.script)(number, messages);
        if then == Then::Away {
            return Err(PublishError::Away("as the test wants".into()));
        }
        let returned = self.returned.lock().clone();
        let refused = messages.iter().find(|outgoing| returned.contains(&outgoing.message.id));
        let taken = messages.iter().filter(|outgoing| !returned.contains(&outgoing.message.id));
        self.taken.lock().extend(taken.cloned());
        match (then, refused) {
            (Then::TakeAndHang, _) => std::future::pending().await,
            (Then::ConfirmWhenTold, _) => {
                self.told.acquire().await.expect("it is never closed").forget();
                self.confirmed_when_told.fetch_add(1, Ordering::SeqCst);
                Ok(())
            }
            (Then::TakeAndFail, _) => Err(PublishError::Away("the answer is lost".into())),
            (_, Some(one)) => Err(PublishError::Returned(format!("no queue for {}", one.message.id))),
            _ => Ok(()),
        }
    }
}
