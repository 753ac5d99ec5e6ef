//! The ids of traces that were forgotten lately, so that a late span does not bring back a stump of one.

use std::collections::{HashSet, VecDeque};

/// How many ids are remembered: about a megabyte of them.
const REMEMBERED: usize = 16_384;

/// A set of ids in which the oldest makes room for the newest.
#[derive(Debug, Default)]
pub(super) struct Forgotten {
    ids: HashSet<u128>,
    order: VecDeque<u128>,
}

impl Forgotten {
    pub(super) fn contains(&self, id: u128) -> bool {
        self.ids.contains(&id)
    }

    pub(super) fn insert(&mut self, id: u128) {
        if !self.ids.insert(id) {
            return;
        }
        self.order.push_back(id);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_the_newest() {
        let mut forgotten = Forgotten::default();
        for id in 0..=REMEMBERED as u128 {
            forgotten.insert(id);
            forgotten.insert(id);
        }
        assert!(!forgotten.contains(0));
        assert!(forgotten.contains(1) && forgotten.contains(REMEMBERED as u128));
        assert_eq!(forgotten.ids.len(), REMEMBERED);
    }
}
