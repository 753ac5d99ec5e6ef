//! The parameters of a search.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::duration;
use super::reply::Refusal;
use crate::params::{BadParam, Params};
use crate::traces::Query;

/// Traces of an answer when nobody says how many.
const USUAL_LIMIT: usize = 100;
/// Traces of an answer at most: as many as Jaeger's own pages may ask for.
const MOST: usize = 1500;
/// Trace ids of one request.
const MOST_IDS: usize = 100;

/// How far dependencies look back when nobody says how far; nanoseconds.
const DAY: u64 = 24 * 3600 * 1_000_000_000;

const DURATION: &str = "a duration such as 1.5s, 100ms or 20us";
const MICROS: &str = "a time in microseconds since 1970, such as 1700000000000000";
const MILLIS: &str = "a time in milliseconds since 1970, such as 1700000000000";
const TAGS: &str = "a JSON object of keys and values, such as {\"error\":\"true\"}";

/// What a request for traces wants.
#[derive(Debug)]
pub(super) enum Wanted {
    /// These, by their ids.
    Ids(Vec<u128>),
    /// Those that a query finds.
    Found(Query),
}

/// A value of a tag that is searched for. Jaeger takes texts only; that a number need not be quoted hurts nobody.
#[derive(Deserialize)]
#[serde(untagged)]
enum TagValue {
    Text(String),
    Bool(bool),
    Number(serde_json::Number),
}

/// Reads the parameters of `GET /api/traces`. Unlike Jaeger, it does not insist on a service.
pub(super) fn wanted(params: &Params) -> Result<Wanted, Refusal> {
    let ids: Vec<u128> = params.all("traceID").map(trace_id).collect::<Result<_, _>>()?;
    if ids.len() > MOST_IDS {
        return Err(Refusal::Bad(format!("parameter 'traceID': {} ids are more than {MOST_IDS}", ids.len())));
    }
    if ids.is_empty() { query(params).map(Wanted::Found) } else { Ok(Wanted::Ids(ids)) }
}

fn query(params: &Params) -> Result<Query, Refusal> {
    let limit = |text: &str| text.parse::<u64>().ok().filter(|limit| *limit > 0);
    let limit = params.read("limit", "a whole number from 1 on, such as 20", limit)?;
    let micros = |text: &str| text.parse::<u64>().ok();
    let query = Query {
        service: params.get("service").map(str::to_owned),
        operation: params.get("operation").map(str::to_owned),
        tags: tags(params)?,
        start: params.read("start", MICROS, micros)?.map(|micros| micros.saturating_mul(1000)),
        // a microsecond includes all its nanoseconds
        end: params
            .read("end", MICROS, micros)?
            .map(|micros| micros.saturating_mul(1000).saturating_add(999)),
        min_duration: params.read("minDuration", DURATION, duration::parse)?,
        // none at all, as Jaeger has it
        max_duration: params.read("maxDuration", DURATION, duration::parse)?.filter(|most| *most > 0),
        limit: limit
            .map_or(USUAL_LIMIT, |limit| usize::try_from(limit).map_or(MOST, |limit| limit.min(MOST))),
    };
    ordered("start", query.start, "end", query.end)?;
    ordered("minDuration", query.min_duration, "maxDuration", query.max_duration)?;
    Ok(query)
}

fn ordered(low: &str, least: Option<u64>, high: &str, most: Option<u64>) -> Result<(), Refusal> {
    match (least, most) {
        (Some(least), Some(most)) if least > most => {
            Err(Refusal::Bad(format!("parameter '{low}' is above '{high}'; it must be below")))
        }
        _ => Ok(()),
    }
}

/// Both of Jaeger's ways to ask for tags: `tags={"key":"value"}` and `tag=key:value`, each as often as one likes.
fn tags(params: &Params) -> Result<Vec<(String, String)>, Refusal> {
    let mut tags = BTreeMap::new();
    for given in params.all("tag") {
        let pair = given.split_once(':').filter(|(key, _)| !key.is_empty());
        let (key, value) = pair.ok_or_else(|| BadParam::new("tag", given, "of the form key:value"))?;
        tags.insert(key.to_owned(), value.to_owned());
    }
    for given in params.all("tags") {
        let object: BTreeMap<String, TagValue> =
            serde_json::from_str(given).map_err(|_| BadParam::new("tags", given, TAGS))?;
        tags.extend(object.into_iter().map(|(key, value)| (key, value.text())));
    }
    Ok(tags.into_iter().collect())
}

/// Reads the id of a trace: hexadecimal digits, at most 32, with or without leading zeros.
pub(super) fn trace_id(given: &str) -> Result<u128, BadParam> {
    let digits = given.len() <= 32 && given.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id = digits.then(|| u128::from_str_radix(given, 16).ok()).flatten().filter(|id| *id > 0);
    id.ok_or_else(|| {
        BadParam::new("traceID", given, "an id of 1 to 32 hexadecimal digits that are not all zero")
    })
}

/// From when to when dependencies are asked for, in nanoseconds since 1970.
pub(super) fn period(params: &Params, now: u64) -> Result<(u64, u64), Refusal> {
    let millis = |text: &str| text.parse::<u64>().ok().map(|millis| millis.saturating_mul(1_000_000));
    let to = params.read("endTs", MILLIS, millis)?.unwrap_or(now);
    let lookback = params.read("lookback", "a number of milliseconds, such as 3600000", millis)?;
    Ok((to.saturating_sub(lookback.unwrap_or(DAY)), to))
}

impl TagValue {
    fn text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Bool(yes) => yes.to_string(),
            Self::Number(number) => number.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Query {
        match wanted(&Params::of(text)) {
            Ok(Wanted::Found(query)) => query,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn reads_what_jaegers_pages_and_grafana_send() {
        let query = found(
            "end=1700000000000002&limit=20&lookback=1h&maxDuration=2s&minDuration=10ms&operation=GET%20%2F&\
             service=gateway&start=1700000000000001&tags=%7B%22error%22%3A%22true%22%2C%22n%22%3A500%7D&tag=a:b:c",
        );
        assert_eq!(query.service.as_deref(), Some("gateway"));
        assert_eq!(query.operation.as_deref(), Some("GET /"));
        assert_eq!(
            (query.start, query.end),
            (Some(1_700_000_000_000_001_000), Some(1_700_000_000_000_002_999))
        );
        assert_eq!((query.min_duration, query.max_duration), (Some(10_000_000), Some(2_000_000_000)));
        let tags: Vec<(&str, &str)> = query.tags.iter().map(|(key, value)| (&**key, &**value)).collect();
        assert_eq!(tags, [("a", "b:c"), ("error", "true"), ("n", "500")]);
        assert_eq!(query.limit, 20);
    }

    #[test]
    fn nothing_need_be_said() {
        let query = found("service=&operation=&tags=&minDuration=&maxDuration=&limit=");
        assert!(query.service.is_none() && query.tags.is_empty() && query.end.is_none());
        assert_eq!(query.limit, USUAL_LIMIT);
        assert_eq!(found("limit=18446744073709551615").limit, MOST);
    }

    #[test]
    fn ids_are_read_with_and_without_zeros() {
        assert_eq!(trace_id("a").unwrap(), 10);
        assert_eq!(trace_id("000000000000000A").unwrap(), 10);
        assert_eq!(trace_id("0000000000000000000000000000000a").unwrap(), 10);
        for id in ["", "0", "x", "-1", "+1", "0x1", " 1", "00000000000000000000000000000000a", "é"] {
            assert!(trace_id(id).is_err(), "{id}");
        }
    }
}
