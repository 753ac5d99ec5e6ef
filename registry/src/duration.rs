//! Durations as Go writes them: `10s`, `1m30s`, `1.5h`; and as bare nanoseconds in JSON.

use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// Reads a Go duration. What is below zero becomes zero, which every caller treats as 'none'.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let invalid = || format!("time: invalid duration {text:?}");
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut nanos = 0_f64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(invalid)?;
        let number: f64 = rest[..digits].parse().map_err(|_| invalid())?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        nanos += number * unit(&rest[..letters]).ok_or_else(invalid)?;
        rest = &rest[letters..];
    }
    // Go's durations are signed 64-bit nanoseconds.
    if nanos >= i64::MAX as f64 {
        return Err(invalid());
    }
    Ok(if negative { Duration::ZERO } else { Duration::from_nanos(nanos.round() as u64) })
}

/// The nanoseconds in a unit.
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

/// A duration in a request body: a Go duration, or a number, whose unit the field decides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Span {
    /// A duration with its unit.
    Exact(Duration),
    /// A bare number.
    Number(f64),
}

impl Span {
    /// The duration when a bare number means nanoseconds, as for every field but one.
    pub(crate) fn nanos(self) -> Duration {
        match self {
            Self::Exact(span) => span,
            Self::Number(n) => scaled(n, 1.0),
        }
    }

    /// The duration when a bare number below a thousand means seconds: Consul's rule for `LockDelay`.
    pub(crate) fn lock_delay(self) -> Duration {
        match self {
            Self::Number(n) if n < 1000.0 => scaled(n, 1e9),
            other => other.nanos(),
        }
    }
}

/// `n` units of `unit` nanoseconds, held within what a duration can say.
fn scaled(n: f64, unit: f64) -> Duration {
    Duration::from_nanos((n * unit).clamp(0.0, i64::MAX as f64) as u64)
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Span;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a duration such as \"10s\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Span, E> {
                if text.is_empty() {
                    return Ok(Span::Exact(Duration::ZERO));
                }
                parse(text).map(Span::Exact).map_err(E::custom)
            }

            fn visit_u64<E: Error>(self, n: u64) -> Result<Span, E> {
                Ok(Span::Number(n as f64))
            }

            fn visit_i64<E: Error>(self, n: i64) -> Result<Span, E> {
                Ok(Span::Number(n as f64))
            }

            fn visit_f64<E: Error>(self, n: f64) -> Result<Span, E> {
                Ok(Span::Number(n))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_reads() {
        assert_eq!(parse("10s").unwrap(), Duration::from_secs(10));
        assert_eq!(parse("1m30s").unwrap(), Duration::from_secs(90));
        assert_eq!(parse("1.5h").unwrap(), Duration::from_secs(5400));
        assert_eq!(parse("250ms").unwrap(), Duration::from_millis(250));
        assert_eq!(parse("2µs").unwrap(), Duration::from_micros(2));
        assert_eq!(parse("0").unwrap(), Duration::ZERO);
        assert_eq!(parse("-5s").unwrap(), Duration::ZERO);
    }

    #[test]
    fn refuses_what_go_refuses() {
        for text in ["", "5", "s", "5d", "1.2.3s", "5 s", "--5s", "9e9s", "99999999999h", "NaNs", "infs"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_bare_number_is_nanoseconds_but_seconds_in_a_lock_delay() {
        assert_eq!(Span::Number(5.0).nanos(), Duration::from_nanos(5));
        assert_eq!(Span::Number(5.0).lock_delay(), Duration::from_secs(5));
        assert_eq!(Span::Number(2e9).lock_delay(), Duration::from_secs(2));
        assert_eq!(Span::Number(-1.0).nanos(), Duration::ZERO);
    }
}
