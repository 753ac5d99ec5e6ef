//! Texts that are the same are one, as far as is worth the while.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::span::Text;

/// Texts that are known at once, at most twice as many.
const GENERATION: usize = 4096;
/// Longer texts are hardly ever said twice.
const LONGEST: usize = 128;

/// Names and keys that were said lately. It forgets those that nobody says any longer, a generation at a time: a text
/// that it has forgotten is made anew, and that is all.
#[derive(Debug, Default)]
pub(super) struct Texts(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: HashSet<Text>,
    old: HashSet<Text>,
}

impl Texts {
    /// The text, shared with others that are equal to it.
    pub(super) fn share(&self, text: &str) -> Text {
        if text.len() > LONGEST {
            return Arc::from(text);
        }
        let mut known = self.0.lock();
        if let Some(text) = known.young.get(text) {
            return text.clone();
        }
        let text = known.old.take(text).unwrap_or_else(|| Arc::from(text));
        if known.young.len() >= GENERATION {
            known.old = std::mem::take(&mut known.young);
        }
        known.young.insert(text.clone());
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_one() {
        let texts = Texts::default();
        assert!(Arc::ptr_eq(&texts.share("http.route"), &texts.share("http.route")));
        let long = "x".repeat(LONGEST + 1);
        assert_eq!(&*texts.share(&long), long);
    }

    #[test]
    fn a_million_of_them_are_forgotten_again_and_one_that_is_said_often_is_not() {
        let texts = Texts::default();
        let often = texts.share("often");
        for number in 0..1_000_000 {
            texts.share(&number.to_string());
            if number % 1000 == 0 {
                assert!(Arc::ptr_eq(&often, &texts.share("often")));
            }
        }
        let known = texts.0.lock();
        assert!(known.young.len() + known.old.len() <= 2 * GENERATION);
    }
}
