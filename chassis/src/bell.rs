//! Wakes those in this process who wait for news: of an order, of a shipment, of a customer's mail.
//!
//! A ring says "look again" and no more: what is true stands in the database. Each key has a bell of its own
//! for as long as somebody listens, so that a ring wakes nobody whom it does not concern. Rings that come
//! while a listener is busy are one ring when it waits again, and so none is missed by a listener that is slow.
//!
//! Not for: other processes. What they change rings nowhere here, and whoever waits looks by itself from time
//! to time as well.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

/// What rings, for each key by itself. Clones are the same bell.
#[derive(Debug)]
pub struct Bell<K>(Arc<Mutex<HashMap<K, Listened>>>);

/// A key that somebody listens for.
#[derive(Debug)]
struct Listened {
    rings: watch::Sender<()>,
    /// How many do; with the last the key is forgotten.
    ears: usize,
}

impl<K> Clone for Bell<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K> Default for Bell<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Eq + Hash + Clone> Bell<K> {
    /// Says that there is news of `key`. Rings after it is stored, so that whoever looks finds it.
    pub fn ring(&self, key: &K) {
        if let Some(listened) = self.0.lock().get(key) {
            listened.rings.send_replace(());
        }
    }

    /// Hears every ring for `key` from now on. Listen first, then look: what happens before the look is seen
    /// by it, and what happens after is heard.
    pub fn listen(&self, key: K) -> Ear<K> {
        let rings = {
            let mut bells = self.0.lock();
            let new = || Listened { rings: watch::Sender::new(()), ears: 0 };
            let listened = bells.entry(key.clone()).or_insert_with(new);
            listened.ears += 1;
            listened.rings.subscribe()
        };
        Ear { bell: self.clone(), key, rings }
    }
}

/// What hears it ring for one key.
#[derive(Debug)]
pub struct Ear<K: Eq + Hash> {
    bell: Bell<K>,
    key: K,
    rings: watch::Receiver<()>,
}

impl<K: Eq + Hash> Ear<K> {
    /// Waits for a ring; at once where it rang since the last one that was waited for. Nothing is lost where
    /// this is dropped while it waits.
    pub async fn rung(&mut self) {
        if self.rings.changed().await.is_err() {
            // cannot be: the key is kept for as long as this ear is counted
            std::future::pending::<()>().await;
        }
    }
}

impl<K: Eq + Hash> Drop for Ear<K> {
    fn drop(&mut self) {
        let mut bells = self.bell.0.lock();
        if let Some(listened) = bells.get_mut(&self.key) {
            listened.ears -= 1;
            if listened.ears == 0 {
                bells.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::FutureExt as _;

    use super::*;

    fn has_rung(ear: &mut Ear<u32>) -> bool {
        ear.rung().now_or_never().is_some()
    }

    #[tokio::test]
    async fn a_ring_between_listening_and_waiting_is_heard_and_several_are_one() {
        let bell = Bell::default();
        bell.ring(&7);
        let mut ear = bell.listen(7);
        assert!(!has_rung(&mut ear), "that was before");
        bell.ring(&7);
        bell.ring(&7);
        assert!(has_rung(&mut ear));
        assert!(!has_rung(&mut ear), "one look found both");
        bell.ring(&7);
        assert!(has_rung(&mut ear), "and the next is heard again");
    }

    #[tokio::test]
    async fn everybody_who_listens_for_a_key_hears_it_and_nobody_else() {
        let bell = Bell::default();
        let mut ears = [bell.listen(1), bell.listen(1), bell.listen(2)];
        bell.ring(&1);
        assert_eq!(ears.each_mut().map(has_rung), [true, true, false]);
    }

    #[tokio::test]
    async fn a_ring_wakes_whoever_waits() {
        let bell = Bell::default();
        let mut ear = bell.listen(1);
        let waiting = tokio::spawn(async move { ear.rung().await });
        tokio::task::yield_now().await;
        bell.ring(&1);
        tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("wakes").expect("does not panic");
    }

    #[tokio::test]
    async fn a_wait_that_is_given_up_loses_no_ring() {
        let bell = Bell::default();
        let mut ear = bell.listen(1);
        assert!(!has_rung(&mut ear));
        bell.ring(&1);
        assert!(has_rung(&mut ear));
    }

    #[test]
    fn a_key_is_forgotten_with_the_last_who_listens_and_not_before() {
        let bell = Bell::default();
        let (first, mut second) = (bell.listen(1), bell.listen(1));
        drop(first);
        bell.ring(&1);
        assert!(has_rung(&mut second));
        drop(second);
        assert!(bell.0.lock().is_empty());
        bell.ring(&1);
    }
}
