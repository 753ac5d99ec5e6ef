//! A trace as Jaeger's JSON has it, read. It may come from any program, and what stands in it from any other: text is
//! cut where it is too long, and made harmless for a terminal.

use std::collections::HashMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::model::{Kind, Link, Log, Span, Trace};

/// The longest text that is kept, in characters.
const LONGEST: usize = 1000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawTrace {
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(default, deserialize_with = "list")]
    spans: Vec<RawSpan>,
    #[serde(default)]
    processes: HashMap<String, RawProcess>,
    #[serde(default, deserialize_with = "list")]
    warnings: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawSpan {
    #[serde(rename = "spanID")]
    span_id: String,
    operation_name: String,
    #[serde(default, deserialize_with = "list")]
    references: Vec<RawReference>,
    start_time: u64,
    #[serde(default)]
    duration: u64,
    #[serde(default, deserialize_with = "list")]
    tags: Vec<RawTag>,
    #[serde(default, deserialize_with = "list")]
    logs: Vec<RawLog>,
    #[serde(rename = "processID", default)]
    process_id: String,
    #[serde(default, deserialize_with = "list")]
    warnings: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawReference {
    ref_type: String,
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(rename = "spanID")]
    span_id: String,
}

#[derive(Deserialize)]
struct RawTag {
    key: String,
    #[serde(default)]
    value: Value,
}

#[derive(Deserialize)]
struct RawLog {
    timestamp: u64,
    #[serde(default, deserialize_with = "list")]
    fields: Vec<RawTag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawProcess {
    service_name: String,
}

/// A list; Jaeger writes null where there is none.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads one trace of an answer.
pub(super) fn read(raw: &Value) -> Result<Trace, serde_json::Error> {
    let RawTrace { trace_id, spans, processes, warnings } = RawTrace::deserialize(raw)?;
    let spans = spans.into_iter().map(|span| span.read(&trace_id, &processes)).collect();
    Ok(Trace::grown(plain(&trace_id), spans, warnings.iter().map(|said| plain(said)).collect()))
}

impl RawSpan {
    fn read(self, trace_id: &str, processes: &HashMap<String, RawProcess>) -> Span {
        let (parents, links): (Vec<_>, Vec<_>) = self
            .references
            .iter()
            .partition(|reference| reference.ref_type == "CHILD_OF" && reference.trace_id == trace_id);
        let link = |link: &RawReference| Link { trace: plain(&link.trace_id), span: plain(&link.span_id) };
        let tags = Tags(&self.tags);
        let service = processes.get(&self.process_id).map(|process| plain(&process.service_name));
        Span {
            id: plain(&self.span_id),
            parent: parents.first().map(|parent| plain(&parent.span_id)),
            service: service.unwrap_or_else(|| "unknown service".to_owned()),
            operation: plain(&self.operation_name),
            kind: tags.kind(),
            wire: tags.wire(),
            peer: tags.get("peer.service"),
            start: self.start_time,
            duration: self.duration,
            failure: tags.failure(&self.logs),
            statement: tags.statement(),
            links: links.into_iter().map(link).collect(),
            logs: self.logs.iter().map(RawLog::read).collect(),
            warnings: self.warnings.iter().map(|said| plain(said)).collect(),
        }
    }
}

impl RawLog {
    fn read(&self) -> Log {
        let fields = Tags(&self.fields);
        let message = fields.get("message").or_else(|| fields.get("event")).unwrap_or_default();
        // where in the code it was written leads nowhere from here
        let told = |key: &str| {
            ["event", "message", "level", "target"].contains(&key)
                || ["code.", "thread.", "busy_ns", "idle_ns"].iter().any(|start| key.starts_with(start))
        };
        let others = self.fields.iter().filter(|field| !told(&field.key));
        let others = others.map(|field| format!(" {}={}", plain(&field.key), text(&field.value)));
        let words = message + &others.collect::<String>();
        Log {
            at: self.timestamp,
            level: fields.get("level").unwrap_or_default(),
            words: words.trim_start().to_owned(),
        }
    }
}

struct Tags<'a>(&'a [RawTag]);

impl Tags<'_> {
    /// What a tag says, unless it says nothing.
    fn get(&self, key: &str) -> Option<String> {
        let tag = self.0.iter().find(|tag| tag.key == key)?;
        Some(text(&tag.value)).filter(|text| !text.is_empty())
    }

    fn kind(&self) -> Kind {
        match self.get("span.kind").as_deref() {
            Some("client") => Kind::Client,
            Some("server") => Kind::Server,
            Some("producer") => Kind::Producer,
            Some("consumer") => Kind::Consumer,
            _ => Kind::Internal,
        }
    }

    /// What carried it: as our own spans say, else as far as the conventions of OpenTelemetry tell.
    fn wire(&self) -> String {
        if let Some(wire) = self.get("tradewind.wire") {
            return wire;
        }
        let has = |keys: &[&str]| keys.iter().any(|key| self.get(key).is_some());
        if let Some(system) = self.get("messaging.system") {
            return if system == "rabbitmq" { "amqp".to_owned() } else { system };
        }
        let wire = if has(&["db.system.name", "db.system"]) {
            "sql"
        } else if self.get("rpc.system").is_some_and(|system| system == "grpc") {
            "grpc"
        } else if has(&["http.request.method", "http.method"]) {
            "http"
        } else {
            ""
        };
        wire.to_owned()
    }

    fn statement(&self) -> Option<String> {
        self.get("db.system.name").or_else(|| self.get("db.system"))?;
        Some(self.get("db.query.text").or_else(|| self.get("db.statement")).unwrap_or_default())
    }

    /// The best words that a span has for what went wrong, if something did.
    fn failure(&self, logs: &[RawLog]) -> Option<String> {
        let says =
            |key: &str, value: &str| self.get(key).is_some_and(|said| said.eq_ignore_ascii_case(value));
        if !says("error", "true") && !says("otel.status_code", "ERROR") {
            return None;
        }
        let thrown = || logs.iter().find_map(|log| Tags(&log.fields).get("exception.message"));
        let answered = || Some(format!("HTTP {}", self.get("http.response.status_code")?));
        let code = self.get("error.type");
        let words = self.get("otel.status_description").or_else(thrown);
        Some(match (code, words) {
            (Some(code), Some(words)) if !words.contains(&code) => format!("{code}: {words}"),
            (_, Some(words)) => words,
            (Some(code), None) => code,
            (None, None) => answered().unwrap_or_else(|| "it does not say why".to_owned()),
        })
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => plain(text),
        other => plain(&other.to_string()),
    }
}

/// A text that a terminal shows as it is: nothing in it moves the cursor, changes colours or turns the direction of
/// reading.
fn plain(text: &str) -> String {
    let harmless = |letter: char| match letter {
        '\n' | '\r' | '\t' => ' ',
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => {
            '\u{fffd}'
        }
        control if control.is_control() => '\u{fffd}',
        other => other,
    };
    let mut short: String = text.chars().take(LONGEST).map(harmless).collect();
    if text.chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tag(key: &str, value: impl Into<Value>) -> Value {
        json!({ "key": key, "type": "string", "value": value.into() })
    }

    fn span(tags: &[Value]) -> Span {
        let raw = json!({
            "traceID": "a", "warnings": null, "processes": { "p1": { "serviceName": "orders", "tags": [] } },
            "spans": [{
                "traceID": "a", "spanID": "1", "operationName": "payments.authorize", "startTime": 5, "duration": 7,
                "processID": "p1", "tags": tags, "warnings": null,
                "references": [
                    { "refType": "FOLLOWS_FROM", "traceID": "a", "spanID": "8" },
                    { "refType": "CHILD_OF", "traceID": "a", "spanID": "9" },
                    { "refType": "FOLLOWS_FROM", "traceID": "b", "spanID": "7" },
                ],
                "logs": [{ "timestamp": 6, "fields": [
                    tag("event", "declined"), tag("level", "WARN"), tag("code.line", 4), tag("attempt", 2),
                ] }],
            }],
        });
        read(&raw).expect("it is read").spans()[0].clone()
    }

    #[test]
    fn a_span_is_read_with_its_parent_links_and_logs() {
        let read = span(&[
            tag("span.kind", "client"),
            tag("tradewind.wire", "grpc"),
            tag("peer.service", "payments"),
        ]);
        let link = |trace: &str, span: &str| Link { trace: trace.into(), span: span.into() };
        let expected = Span {
            id: "1".into(),
            parent: Some("9".into()),
            service: "orders".into(),
            operation: "payments.authorize".into(),
            kind: Kind::Client,
            wire: "grpc".into(),
            peer: Some("payments".into()),
            start: 5,
            duration: 7,
            links: vec![link("a", "8"), link("b", "7")],
            logs: vec![Log { at: 6, level: "WARN".into(), words: "declined attempt=2".into() }],
            ..Span::default()
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn what_carried_it_is_told_by_the_conventions_where_the_span_does_not_say() {
        for (key, value, wire) in [
            ("db.system.name", "sqlite", "sql"),
            ("db.system", "postgresql", "sql"),
            ("messaging.system", "rabbitmq", "amqp"),
            ("messaging.system", "in_process", "in_process"),
            ("rpc.system", "grpc", "grpc"),
            ("http.request.method", "POST", "http"),
            ("thread.id", "1", ""),
        ] {
            assert_eq!(span(&[tag(key, value)]).wire, wire, "{key}");
        }
    }

    #[test]
    fn a_failure_says_what_went_wrong_as_well_as_it_can() {
        let failure = |tags: &[Value]| span(tags).failure;
        let (error, code) = (tag("error", true), tag("error.type", "card_declined"));
        assert_eq!(failure(std::slice::from_ref(&code)), None, "it did not fail");
        assert_eq!(failure(&[error.clone(), code.clone()]).as_deref(), Some("card_declined"));
        let words = tag("otel.status_description", "the bank declined the card");
        let both = failure(&[error.clone(), code, words.clone()]);
        assert_eq!(both.as_deref(), Some("card_declined: the bank declined the card"));
        let status = tag("otel.status_code", "ERROR");
        assert_eq!(failure(&[status, words]).as_deref(), Some("the bank declined the card"));
        let http = tag("http.response.status_code", 503);
        assert_eq!(failure(&[error.clone(), http]).as_deref(), Some("HTTP 503"));
        assert!(failure(&[error]).is_some_and(|words| words.contains("does not say")));
    }

    #[test]
    fn what_came_with_a_span_does_nothing_to_a_terminal() {
        assert_eq!(plain("a\u{1b}[2J\nb\u{202e}c\u{9b}"), "a\u{fffd}[2J b\u{fffd}c\u{fffd}");
        assert_eq!(plain(&"é".repeat(2000)).chars().count(), LONGEST + 1);
    }

    #[test]
    fn an_answer_of_another_kind_is_no_trace() {
        for raw in [json!(null), json!([]), json!({}), json!({ "traceID": "a", "spans": [{}] })] {
            assert!(read(&raw).is_err(), "{raw}");
        }
        assert!(read(&json!({ "traceID": "a", "spans": null })).is_ok_and(|trace| trace.spans().is_empty()));
    }
}
