//! The header `Prefer` (RFC 7240), as far as orders honour it: `respond-async`, `wait=SECONDS`, and a
//! preference of our own, `coordination=NAME`, which may also stand as a parameter of the first:
//! `Prefer: respond-async; coordination=choreographed`.
//!
//! A server may ignore any preference, and so whatever is unknown or makes no sense is ignored. Only a
//! coordination that does not exist is refused: whoever names one wants to see it at work.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};
use contracts::Problem;
use contracts::orders::{Coordination, Order, PlaceOrder};

/// Where the preferences of a request stand.
const PREFER: &str = "prefer";

/// What the sender of a request would like.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Preferences {
    coordination: Option<Coordination>,
    /// In seconds.
    wait: Option<u32>,
    respond_async: Option<RespondAsync>,
}

/// That the sender does not want to wait for the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct RespondAsync;

impl Preferences {
    /// What the headers say; the first of several that differ.
    pub(crate) fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut preferences = Self::default();
        let values = headers.get_all(PREFER).into_iter().filter_map(|value| value.to_str().ok());
        for item in values.flat_map(|value| split(value, ',')).take(MOST) {
            for (name, value) in split(item, ';').map(name_and_value) {
                preferences.note(&name, &value)?;
            }
        }
        Ok(preferences)
    }

    fn note(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        match name {
            "respond-async" => self.respond_async = Some(RespondAsync),
            "wait" => self.wait = self.wait.or_else(|| value.parse().ok()),
            "coordination" if self.coordination.is_none() => {
                let known = Coordination::parse(value);
                self.coordination = Some(known.ok_or_else(|| unknown_coordination(value))?);
            }
            _ => {}
        }
        Ok(())
    }

    /// Fills in what `request` does not say itself; returns what was taken over, for the reply. Nobody waits
    /// for longer than the call may take.
    pub(crate) fn fill(&self, request: &mut PlaceOrder, may_take: Duration) -> Applied {
        let mut applied = Self::default();
        if request.coordination.is_none() {
            applied.coordination = self.coordination;
            request.coordination = self.coordination;
        }
        if request.wait_ms.is_none() {
            let longest = u32::try_from(may_take.as_secs()).unwrap_or(u32::MAX);
            applied.wait = self.wait.map(|seconds| seconds.min(longest));
            applied.respond_async = self.respond_async;
            // "respond-async, wait=10": if it takes longer than ten seconds
            let at_once = self.respond_async.map(|RespondAsync| 0);
            request.wait_ms = applied.wait.map(|seconds| seconds.saturating_mul(1000)).or(at_once);
        }
        Applied(applied)
    }
}

/// What was honoured.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Applied(Preferences);

impl Applied {
    /// The header `Preference-Applied` of a reply that tells of `order`; nothing where nothing that was asked
    /// for came about. The order may be an older one, found under its idempotency key: it keeps the
    /// coordination in which it was placed.
    pub(crate) fn header(&self, order: &Order) -> Option<HeaderValue> {
        let Self(Preferences { coordination, wait, respond_async }) = self;
        let coordination = coordination.filter(|preferred| *preferred == order.coordination);
        let applied = [
            coordination.map(|coordination| format!("coordination={}", coordination.as_str())),
            wait.map(|seconds| format!("wait={seconds}")),
            respond_async.map(|RespondAsync| "respond-async".to_owned()),
        ];
        let applied: Vec<String> = applied.into_iter().flatten().collect();
        if applied.is_empty() {
            return None;
        }
        HeaderValue::from_str(&applied.join(", ")).ok()
    }
}

/// More preferences than any sender has, and few enough to look at each.
const MOST: usize = 32;

fn unknown_coordination(value: &str) -> Problem {
    let names = Coordination::ALL.map(Coordination::as_str).join(", ");
    Problem::invalid_field("Prefer", format!("names the coordination {value:?}; there are {names}"))
}

/// The parts of a list, trimmed; a separator in a quoted string is none.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    text.split(move |character: char| {
        let inside = quoted;
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        character == separator && !inside
    })
    .map(str::trim)
    .filter(|part| !part.is_empty())
}

/// `name=value`, `name="value"` or `name`, which means the same as an empty value. Names do not depend on
/// case.
fn name_and_value(text: &str) -> (String, String) {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    let value = value.trim();
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    (name.trim().to_ascii_lowercase(), value.to_owned())
}

#[cfg(test)]
mod tests {
    use contracts::Code;
    use proptest::prelude::*;

    use super::*;

    fn read(values: &[&str]) -> Result<Preferences, Problem> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(PREFER, HeaderValue::from_str(value).expect("a header's value"));
        }
        Preferences::read(&headers)
    }

    fn wishes(coordination: Option<Coordination>, wait: Option<u32>, respond_async: bool) -> Preferences {
        Preferences { coordination, wait, respond_async: respond_async.then_some(RespondAsync) }
    }

    #[test]
    fn preferences_are_read_as_the_standard_writes_them() {
        use Coordination::{Choreographed, Orchestrated};
        for (values, expected) in [
            (&["respond-async; coordination=choreographed"][..], wishes(Some(Choreographed), None, true)),
            (&["coordination=orchestrated"], wishes(Some(Orchestrated), None, false)),
            (&["wait=5"], wishes(None, Some(5), false)),
            (&["Respond-Async, WAIT = 10"], wishes(None, Some(10), true)),
            (&["respond-async", "wait=\"3\""], wishes(None, Some(3), true)),
            (&["foo; bar=\"a, wait=9; b\", wait=2"], wishes(None, Some(2), false)),
            (&["foo=\"\\\", wait=9\", wait=2"], wishes(None, Some(2), false)),
            (&["wait=1, wait=2"], wishes(None, Some(1), false)),
            (&["respond-async=\"\"; foo"], wishes(None, None, true)),
            (&["", ";;,,=", "handling=lenient"], wishes(None, None, false)),
            (&["wait=soon", "wait=-1", "wait=99999999999"], wishes(None, None, false)),
        ] {
            assert_eq!(read(values), Ok(expected), "{values:?}");
        }
        assert_eq!(Preferences::read(&HeaderMap::new()), Ok(Preferences::default()));
    }

    #[test]
    fn a_coordination_that_does_not_exist_is_refused_by_name() {
        let problem = read(&["coordination=telepathic"]).expect_err("is refused");
        assert_eq!(problem.code, Code::InvalidRequest);
        assert!(
            problem.detail.contains("telepathic") && problem.detail.contains("orchestrated"),
            "{problem}"
        );
    }

    proptest! {
        #[test]
        fn no_header_is_too_strange(value in "[ -~]{0,60}") {
            let _ = read(&[&value]);
        }
    }
}
