//! Things that many share, as many as there is room for.

use std::collections::HashMap;
use std::sync::Arc;

/// Shared things, each by what makes it what it is. One that nobody but the shelf holds any longer makes way when there
/// is no room; while each is held by somebody, there is no room for others.
#[derive(Debug)]
pub(super) struct Shelf<T> {
    places: HashMap<String, Place<T>>,
    weight: usize,
    most: usize,
    // how often there may be no room before another look is taken at who is held: a look is at all of them
    patience: usize,
}

#[derive(Debug)]
struct Place<T> {
    thing: Arc<T>,
    weight: usize,
}

impl<T> Shelf<T> {
    /// A shelf for things of so much weight altogether.
    pub(super) fn new(most: usize) -> Self {
        Self { places: HashMap::new(), weight: 0, most, patience: 0 }
    }

    /// The thing that is what `key` says, made if it is not there; `None` if there is no room. Things beyond the
    /// shelf's weight find room in the `reserve`.
    pub(super) fn share(
        &mut self,
        key: String,
        weight: usize,
        reserve: usize,
        make: impl FnOnce() -> T,
    ) -> Option<Arc<T>> {
        if let Some(place) = self.places.get(&key) {
            return Some(place.thing.clone());
        }
        let most = self.most.saturating_add(reserve);
        if self.weight.saturating_add(weight) > most {
            self.clear_away();
        }
        if self.weight.saturating_add(weight) > most {
            return None;
        }
        let thing = Arc::new(make());
        self.weight += weight;
        self.places.insert(key, Place { thing: thing.clone(), weight });
        Some(thing)
    }

    fn clear_away(&mut self) {
        if self.patience > 0 {
            self.patience -= 1;
            return;
        }
        self.places.retain(|_, place| Arc::strong_count(&place.thing) > 1);
        self.weight = self.places.values().map(|place| place.weight).sum();
        self.patience = self.places.len() / 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_things_are_one_and_what_nobody_holds_makes_way() {
        let mut shelf = Shelf::new(2);
        let one = shelf.share("one".to_owned(), 1, 0, || 1).unwrap();
        assert!(Arc::ptr_eq(&one, &shelf.share("one".to_owned(), 1, 0, || 1).unwrap()));
        let two = shelf.share("two".to_owned(), 1, 0, || 2).unwrap();
        assert_eq!(shelf.share("three".to_owned(), 1, 0, || 3), None, "each is held");
        assert!(shelf.share("three".to_owned(), 1, 1, || 3).is_some(), "there is a reserve");
        drop(two);
        assert!(shelf.share("four".to_owned(), 1, 0, || 4).is_some());
        assert!(Arc::ptr_eq(&one, &shelf.share("one".to_owned(), 1, 0, || 1).unwrap()));
    }

    #[test]
    fn things_that_nobody_holds_never_fill_it() {
        let mut shelf = Shelf::new(100);
        for number in 0..100_000 {
            assert!(shelf.share(number.to_string(), 1, 0, || number).is_some());
            assert!(shelf.places.len() <= 100);
        }
    }
}
