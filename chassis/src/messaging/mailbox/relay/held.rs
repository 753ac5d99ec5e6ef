//! Orders whose next message the broker does not take: nothing about them goes out until it does.

use std::collections::HashMap;
use std::time::Duration;

use contracts::messages::Outgoing;
use tokio::time::Instant;

use crate::backoff::Backoff;

/// How many orders may be held, so that memory and the list of what to leave out stay small. More than
/// that is a fault of the broker's set-up and not of single messages.
const MOST: usize = 1000;
/// How long to wait before an order is tried again.
const BACKOFF: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(30) };

/// The held orders of a term. Whoever leads next finds them again by itself.
#[derive(Debug, Default)]
pub(super) struct Held(HashMap<String, Hold>);

#[derive(Debug)]
struct Hold {
    failures: u32,
    due: Instant,
}

/// There is no room for another.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

impl Held {
    /// Holds an order, or holds it for longer; returns for how long.
    pub fn hold(&mut self, subject: &str, now: Instant) -> Result<Duration, TooMany> {
        if self.0.len() >= MOST && !self.0.contains_key(subject) {
            return Err(TooMany);
        }
        let failures = self.0.get(subject).map_or(0, |hold| hold.failures).saturating_add(1);
        let pause = BACKOFF.after(failures);
        self.0.insert(subject.to_owned(), Hold { failures, due: now + pause });
        Ok(pause)
    }

    pub fn release(&mut self, subject: &str) {
        self.0.remove(subject);
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn holds(&self, subject: &str) -> bool {
        self.0.contains_key(subject)
    }

    pub fn subjects(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// Those that are to be tried again.
    pub fn due(&self, now: Instant) -> Vec<String> {
        self.0.iter().filter(|(_, hold)| hold.due <= now).map(|(subject, _)| subject.clone()).collect()
    }

    /// Where in `messages` the first one about a held order stands.
    pub fn first_in(&self, messages: &[Outgoing]) -> Option<usize> {
        if self.0.is_empty() {
            return None;
        }
        messages.iter().position(|outgoing| self.holds(&outgoing.message.subject.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_held_for_longer_each_time_and_tried_when_it_is_due() {
        let (mut held, now) = (Held::default(), Instant::now());
        let first = held.hold("a", now).expect("room");
        assert!(first <= BACKOFF.first);
        assert!(held.due(now).is_empty());
        assert_eq!(held.due(now + first), ["a"]);
        for _ in 0..10 {
            held.hold("a", now).expect("is held already");
        }
        assert!(held.due(now + BACKOFF.first).is_empty());
        assert_eq!(held.due(now + BACKOFF.longest), ["a"]);
        held.release("a");
        assert!(held.hold("a", now).expect("room") <= BACKOFF.first);
    }

    #[test]
    fn there_is_room_for_so_many_only() {
        let (mut held, now) = (Held::default(), Instant::now());
        for number in 0..MOST {
            held.hold(&number.to_string(), now).expect("room");
        }
        assert_eq!(held.hold("one more", now), Err(TooMany));
        held.hold("0", now).expect("is held already");
        assert_eq!(held.len(), MOST);
    }
}
