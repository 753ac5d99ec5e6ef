//! Where in a text something stands, as people count: from 1.

/// The lines of a text.
pub(super) struct Lines<'a> {
    text: &'a str,
    /// Where each line begins, in bytes.
    begins: Vec<usize>,
}

impl<'a> Lines<'a> {
    /// The lines of `text`.
    pub fn of(text: &'a str) -> Self {
        let after_breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { text, begins: std::iter::once(0).chain(after_breaks).collect() }
    }

    /// The line of the byte `at`.
    pub fn line(&self, at: usize) -> usize {
        self.begins.partition_point(|begin| *begin <= at)
    }

    /// The column of the byte `at`, in characters.
    pub fn column(&self, at: usize) -> usize {
        let begin = self.begins.get(self.line(at) - 1).copied().unwrap_or(0);
        // whoever says `at` may mean a byte within a character, or one after the end
        let before = self.text.as_bytes().get(begin..at.min(self.text.len())).unwrap_or_default();
        String::from_utf8_lossy(before).chars().count() + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_begin_at_one() {
        let lines = Lines::of("ab\n\nöcd");
        let at = |at| (lines.line(at), lines.column(at));
        assert_eq!(at(0), (1, 1));
        assert_eq!(at(2), (1, 3));
        assert_eq!(at(3), (2, 1));
        assert_eq!(at(4), (3, 1));
        assert_eq!(at(6), (3, 2), "ö is one character");
    }

    #[test]
    fn what_lies_after_the_end_is_on_the_last_line() {
        assert_eq!(Lines::of("").line(0), 1);
        assert_eq!(Lines::of("").column(99), 1);
        assert_eq!(Lines::of("a\n").line(99), 2);
    }
}
