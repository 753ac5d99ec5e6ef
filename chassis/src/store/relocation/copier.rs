//! What copies a module's rows from one database to another, whichever engine has both.

use async_trait::async_trait;

use super::progress::Teller;
use crate::store::StoreError;

/// Both databases of a move, with a module's tables in each.
#[async_trait]
pub(super) trait Copier: Send {
    /// How many rows there are at the old place.
    async fn rows(&mut self) -> Result<u64, StoreError>;

    /// Brings the new place close to the old one, while rows go on changing there.
    async fn approach(&mut self, teller: &Teller) -> Result<(), StoreError>;

    /// Makes the new place equal to the old one, where nothing changes any more: every row, none that is
    /// not at the old place, and numbers that go on where they were.
    async fn equal(&mut self) -> Result<(), StoreError>;

    /// Reads all rows of both places, and sums them up.
    async fn compare(&mut self) -> Result<Vec<Comparison>, StoreError>;

    /// Closes the connections.
    async fn close(self: Box<Self>);
}

/// The rows of one table, summed up in any order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Digest {
    /// How many.
    pub rows: u64,
    /// The sum of what each row's text hashes to.
    pub sum: u64,
}

impl Digest {
    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self { rows: self.rows + other.rows, sum: self.sum.wrapping_add(other.sum) }
    }
}

/// One table at both places.
#[derive(Debug, Clone)]
pub(super) struct Comparison {
    pub table: String,
    pub source: Digest,
    pub target: Digest,
}

/// All tables together, where both places have the same; what differs, in words, otherwise.
pub(super) fn judge(comparisons: &[Comparison]) -> Result<Digest, String> {
    let differing = comparisons.iter().filter(|one| one.source != one.target);
    let words: Vec<String> = differing
        .map(|Comparison { table, source, target }| {
            format!("{table} has {} rows and {} at the new place", source.rows, target.rows)
                + if source.rows == target.rows { ", which say something else" } else { "" }
        })
        .collect();
    if !words.is_empty() {
        return Err(words.join("; "));
    }
    Ok(comparisons.iter().fold(Digest::default(), |sum, one| sum.plus(one.source)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison(table: &str, source: (u64, u64), target: (u64, u64)) -> Comparison {
        let digest = |(rows, sum)| Digest { rows, sum };
        Comparison { table: table.into(), source: digest(source), target: digest(target) }
    }

    #[test]
    fn equal_tables_add_up() {
        let same = [comparison("a", (2, u64::MAX), (2, u64::MAX)), comparison("b", (1, 3), (1, 3))];
        assert_eq!(judge(&same), Ok(Digest { rows: 3, sum: 2 }));
    }

    #[test]
    fn tables_that_differ_are_named_with_their_rows() {
        let differing = [
            comparison("a", (2, 7), (2, 7)),
            comparison("b", (5, 1), (4, 1)),
            comparison("c", (1, 1), (1, 2)),
        ];
        let words = judge(&differing).expect_err("two differ");
        assert!(words.contains("b has 5 rows and 4") && words.contains("c has 1 rows"), "{words}");
        assert!(!words.contains("a has"), "{words}");
    }
}
