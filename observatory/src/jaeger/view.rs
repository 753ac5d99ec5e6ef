//! A trace as Jaeger's JSON has it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::tags::{Tag, of_attributes, of_event, of_span};
use crate::span::{Event, Resource, Span, Text};
use crate::traces::Trace;

/// The id of a trace: 16 digits if they are enough, 32 otherwise.
#[derive(Debug, Clone, Copy)]
pub(super) struct TraceId(pub(super) u128);

/// The id of a span.
#[derive(Debug, Clone, Copy)]
struct SpanId(u64);

/// `p1`, `p2`, …
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct ProcessId(usize);

/// Traces, each of which becomes JSON when its turn comes, so that an answer is not in memory twice.
#[derive(Debug)]
pub(super) struct Traces<'a>(pub(super) &'a [Arc<Trace>]);

struct View<'a>(&'a Trace);

#[derive(Serialize)]
struct TraceJson<'a> {
    #[serde(rename = "traceID")]
    trace_id: TraceId,
    spans: Vec<SpanJson<'a>>,
    processes: BTreeMap<ProcessId, ProcessJson<'a>>,
    warnings: Option<Vec<String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SpanJson<'a> {
    #[serde(rename = "traceID")]
    trace_id: TraceId,
    #[serde(rename = "spanID")]
    span_id: SpanId,
    operation_name: &'a str,
    references: Vec<Reference>,
    /// Microseconds since 1970.
    start_time: u64,
    /// Microseconds.
    duration: u64,
    tags: Vec<Tag<'a>>,
    logs: Vec<Log<'a>>,
    #[serde(rename = "processID")]
    process_id: ProcessId,
    warnings: Option<&'a [Text]>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    ref_type: &'static str,
    #[serde(rename = "traceID")]
    trace_id: TraceId,
    #[serde(rename = "spanID")]
    span_id: SpanId,
}

#[derive(Serialize)]
struct Log<'a> {
    /// Microseconds since 1970.
    timestamp: u64,
    fields: Vec<Tag<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProcessJson<'a> {
    service_name: &'a str,
    tags: Vec<Tag<'a>>,
}

impl Serialize for Traces<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|trace| View(trace)))
    }
}

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        TraceJson::of(self.0).serialize(serializer)
    }
}

impl<'a> TraceJson<'a> {
    fn of(trace: &'a Trace) -> Self {
        let mut ordered: Vec<&Span> = trace.spans().iter().map(|span| &**span).collect();
        ordered.sort_by_key(|span| (span.start, span.span_id));
        let mut processes = Processes::default();
        let spans =
            ordered.into_iter().map(|span| SpanJson::of(span, processes.id(&span.resource))).collect();
        let refused = |count| format!("{count} more spans came than a trace may have, and were dropped");
        Self {
            trace_id: TraceId(trace.id),
            spans,
            processes: processes.json(),
            warnings: (trace.refused > 0).then(|| vec![refused(trace.refused)]),
        }
    }
}

impl<'a> SpanJson<'a> {
    fn of(span: &'a Span, process_id: ProcessId) -> Self {
        let reference = |ref_type, trace_id, span_id| Reference {
            ref_type,
            trace_id: TraceId(trace_id),
            span_id: SpanId(span_id),
        };
        let parent = span.parent.map(|parent| reference("CHILD_OF", span.trace_id, parent));
        let links = span.links.iter().map(|link| reference("FOLLOWS_FROM", link.trace_id, link.span_id));
        let log = |event: &'a Event| Log { timestamp: micros(event.time), fields: of_event(event) };
        Self {
            trace_id: TraceId(span.trace_id),
            span_id: SpanId(span.span_id),
            operation_name: &span.name,
            references: parent.into_iter().chain(links).collect(),
            start_time: micros(span.start),
            duration: micros(span.duration),
            tags: of_span(span),
            logs: span.events.iter().map(log).collect(),
            process_id,
            warnings: (!span.warnings.is_empty()).then_some(&*span.warnings),
        }
    }
}

/// The processes of a trace, in the order in which they are met.
#[derive(Default)]
struct Processes<'a> {
    met: Vec<&'a Resource>,
    /// By address: the spans of one message of OTLP share what made them.
    known: HashMap<*const Resource, ProcessId>,
}

impl<'a> Processes<'a> {
    fn id(&mut self, resource: &'a Arc<Resource>) -> ProcessId {
        *self.known.entry(Arc::as_ptr(resource)).or_insert_with(|| {
            let at = self.met.iter().position(|met| **met == **resource).unwrap_or_else(|| {
                self.met.push(resource);
                self.met.len() - 1
            });
            ProcessId(at + 1)
        })
    }

    fn json(self) -> BTreeMap<ProcessId, ProcessJson<'a>> {
        let process = |resource: &'a Resource| ProcessJson {
            service_name: &resource.service,
            tags: of_attributes(&resource.attributes),
        };
        self.met.into_iter().enumerate().map(|(at, met)| (ProcessId(at + 1), process(met))).collect()
    }
}

fn micros(nanos: u64) -> u64 {
    nanos / 1000
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match u64::try_from(self.0) {
            Ok(low) => write!(f, "{low:016x}"),
            Err(_) => write!(f, "{:032x}", self.0),
        }
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{}", self.0)
    }
}

impl Serialize for TraceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for SpanId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for ProcessId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
