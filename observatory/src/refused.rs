//! What is refused, and why, with a name for machines and words for people.

/// Why something is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The intake is full.
    Full,
    /// It is about a time longer ago than is kept.
    Late,
    /// It is about a time that has not come yet.
    Ahead,
    /// It ends before it starts.
    Backwards,
    /// An id has the wrong length, or is zero.
    BadId,
    /// It cannot be read, or contradicts itself.
    Malformed,
    /// It is larger than anything that is taken in.
    TooLarge,
    /// It is of a kind that is not kept.
    Unsupported,
    /// It is of one time series too many.
    TooManySeries,
}

impl Reason {
    /// Each of them, in the order in which they are declared.
    pub const ALL: [Self; 9] = [
        Self::Full,
        Self::Late,
        Self::Ahead,
        Self::Backwards,
        Self::BadId,
        Self::Malformed,
        Self::TooLarge,
        Self::Unsupported,
        Self::TooManySeries,
    ];

    /// Its name, as the API tells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Late => "late",
            Self::Ahead => "ahead",
            Self::Backwards => "backwards",
            Self::BadId => "bad_id",
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::Unsupported => "unsupported",
            Self::TooManySeries => "too_many_series",
        }
    }

    /// What a sender is told.
    fn words(self) -> &'static str {
        match self {
            Self::Full => "what was sent before is not taken in yet",
            Self::Late => "longer ago than is kept; is the sender's clock right?",
            Self::Ahead => "in the future; is the sender's clock right?",
            Self::Backwards => "the end is before the start",
            Self::BadId => "an id has the wrong length, or is zero",
            Self::Malformed => "unreadable, incomplete or contradictory",
            Self::TooLarge => "larger than is taken in",
            Self::Unsupported => "of a kind that is not kept",
            Self::TooManySeries => "of more time series than are kept",
        }
    }
}

/// How much was refused, by reason.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Refused([u64; Reason::ALL.len()]);

impl Refused {
    /// So many, all for one reason.
    pub fn all(reason: Reason, count: u64) -> Self {
        let mut refused = Self::default();
        refused.add(reason, count);
        refused
    }

    /// So many more.
    pub fn add(&mut self, reason: Reason, count: u64) {
        self.0[reason as usize] += count;
    }

    /// How many, for whatever reason.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The reasons that there were, and how often.
    pub fn iter(&self) -> impl Iterator<Item = (Reason, u64)> {
        Reason::ALL.into_iter().zip(self.0).filter(|(_, count)| *count > 0)
    }

    /// In words, for the sender: `2 late (longer ago than is kept; …), 1 bad_id (…)`.
    pub fn words(&self) -> String {
        let reason =
            |(reason, count): (Reason, u64)| format!("{count} {} ({})", reason.name(), reason.words());
        self.iter().map(reason).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_a_place_and_a_name_of_its_own() {
        let names: std::collections::HashSet<_> = Reason::ALL.iter().map(|reason| reason.name()).collect();
        assert_eq!(names.len(), Reason::ALL.len());
        for (place, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, place);
        }
    }

    #[test]
    fn words_name_each_reason_that_there_was() {
        let mut refused = Refused::all(Reason::Late, 2);
        refused.add(Reason::BadId, 1);
        assert_eq!(refused.total(), 3);
        assert!(refused.words().starts_with("2 late (longer ago than is kept"), "{}", refused.words());
        assert!(refused.words().ends_with("1 bad_id (an id has the wrong length, or is zero)"));
    }
}
