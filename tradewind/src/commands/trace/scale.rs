//! Durations in words, in as many digits as one compares by.

/// `850 µs`, `1.23 ms`, `19.2 ms`, `1.40 s`, `2 min 05 s`, `3 h 20 min`.
pub(super) fn took(micros: u64) -> String {
    let seconds = micros / 1_000_000;
    match micros {
        0..1000 => format!("{micros} µs"),
        1000..1_000_000 => three_digits(micros as f64 / 1e3, "ms"),
        1_000_000..60_000_000 => three_digits(micros as f64 / 1e6, "s"),
        60_000_000..3_600_000_000 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

fn three_digits(value: f64, unit: &str) -> String {
    // as they are after rounding: 9.996 has three digits as 10.0
    let decimals = if value >= 99.95 {
        0
    } else if value >= 9.995 {
        1
    } else {
        2
    };
    format!("{value:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_three_digits_at_every_size() {
        let said =
            [0, 850, 1230, 9996, 19_200, 99_960, 850_000, 1_400_000, 125_000_000, 12_000_000_000].map(took);
        let wanted = [
            "0 µs",
            "850 µs",
            "1.23 ms",
            "10.0 ms",
            "19.2 ms",
            "100 ms",
            "850 ms",
            "1.40 s",
            "2 min 05 s",
            "3 h 20 min",
        ];
        assert_eq!(said, wanted);
    }
}
