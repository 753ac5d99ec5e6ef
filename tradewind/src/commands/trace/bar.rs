//! When something happened, as a bar.

/// A span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Period {
    /// When it begins, in microseconds.
    pub start: u64,
    /// When it ends.
    pub end: u64,
}

/// Draws `periods` into as many `cells` as `whole` takes. What is too short to be seen has one cell all the same, which
/// then is thin.
pub(super) fn bar(periods: impl IntoIterator<Item = Period>, whole: Period, cells: usize) -> String {
    let mut drawn = vec![' '; cells];
    for Period { start, end } in periods {
        let (from, to) = (place(start, whole, cells), place(end, whole, cells));
        let first = (from.floor() as usize).min(cells.saturating_sub(1));
        // as many cells as it fills, to the nearest one
        let full = (to - from).round() as usize;
        let last = (first + full).min(cells);
        let covered = drawn.get_mut(first..last).filter(|covered| !covered.is_empty());
        if let Some(covered) = covered {
            covered.fill('█');
        } else if let Some(cell) = drawn.get_mut(first).filter(|cell| **cell == ' ') {
            *cell = '▏';
        }
    }
    drawn.into_iter().collect()
}

/// How many cells lie before a moment.
fn place(at: u64, whole: Period, cells: usize) -> f64 {
    let length = whole.end.saturating_sub(whole.start).max(1);
    let passed = at.clamp(whole.start, whole.end.max(whole.start)) - whole.start;
    passed as f64 / length as f64 * cells as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn period(start: u64, end: u64) -> Period {
        Period { start, end }
    }

    fn drawn(periods: &[(u64, u64)]) -> String {
        bar(periods.iter().map(|(start, end)| period(*start, *end)), period(100, 200), 10)
    }

    #[test]
    fn a_bar_stands_where_it_happened() {
        assert_eq!(drawn(&[(100, 200)]), "██████████");
        assert_eq!(drawn(&[(150, 200)]), "     █████");
        assert_eq!(drawn(&[(100, 110), (150, 170)]), "█    ██   ");
        assert_eq!(drawn(&[]), "          ");
    }

    #[test]
    fn what_took_no_time_is_seen_too() {
        assert_eq!(drawn(&[(130, 130)]), "   ▏      ");
        assert_eq!(drawn(&[(200, 200)]), "         ▏");
        assert_eq!(drawn(&[(100, 150), (120, 121)]), "█████     ", "it hides nothing");
    }

    proptest! {
        #[test]
        fn whatever_the_times_are_it_has_its_width(
            periods in prop::collection::vec((any::<u64>(), any::<u64>()), 0..5),
            (start, end) in (any::<u64>(), any::<u64>()),
            cells in 0..300_usize,
        ) {
            let periods: Vec<_> = periods.into_iter().map(|(start, end)| period(start, end)).collect();
            let seen = !periods.is_empty() && cells > 0;
            let text = bar(periods, period(start, end), cells);
            prop_assert_eq!(text.chars().count(), cells);
            prop_assert_eq!(text.chars().any(|cell| cell != ' '), seen);
        }
    }
}
