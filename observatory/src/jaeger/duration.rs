//! Durations as Go writes them, and so Jaeger: `1.5s`, `100ms`, `20us`, `1m30s`.

/// Reads a duration in nanoseconds. None if it is none, below zero, or longer than Go can say (292 years).
pub(super) fn parse(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    let mut rest = text;
    let mut nanos = 0.0;
    while !rest.is_empty() || rest.len() == text.len() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        nanos += number * unit(&rest[..letters])?;
        rest = &rest[letters..];
    }
    (nanos < i64::MAX as f64).then(|| nanos.round() as u64)
}

fn unit(name: &str) -> Option<f64> {
    Some(match name {
        "ns" => 1.0,
        "us" | "µs" | "μs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" => 60e9,
        "h" => 3600e9,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, nanos) in [
            ("1.5s", 1_500_000_000),
            ("100ms", 100_000_000),
            ("20us", 20_000),
            ("20µs", 20_000),
            ("1m30s", 90_000_000_000),
            ("2h", 7_200_000_000_000),
            ("7ns", 7),
            ("0", 0),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Some(nanos), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        for text in
            ["", "5", "s", "-5s", "+5s", "5 s", "5d", "1.2.3s", ".s", "NaNs", "infs", "1e3s", "99999999999h"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
