//! Spans, from OTLP's.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::trace::v1 as otlp;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;

use super::attributes::Origin;
use super::notes::Notes;
use super::{Decoded, Decoder};
use crate::refused::{Reason, Refused};
use crate::span::{Attribute, Event, Kind, Link, Span, Status, Value};

impl Decoder {
    /// The spans of a request that came `now`, in nanoseconds since 1970.
    pub(crate) fn spans(&self, request: ExportTraceServiceRequest, now: u64) -> Decoded<Span> {
        let (mut kept, mut refused) = (Vec::new(), Refused::default());
        for of_resource in request.resource_spans {
            let origin = self.origin(of_resource.resource);
            for of_scope in of_resource.scope_spans {
                let mut notes = Notes::default();
                let scope = self.scope(of_scope.scope.unwrap_or_default(), &mut notes);
                for span in of_scope.spans {
                    match self.span(span, &origin, &scope, notes.clone(), now) {
                        Ok(span) => kept.push(span),
                        Err(reason) => refused.add(reason, 1),
                    }
                }
            }
        }
        Decoded { kept, refused }
    }

    /// The library that made the spans, as attributes of each, which is where Jaeger shows it.
    fn scope(&self, scope: InstrumentationScope, notes: &mut Notes) -> Vec<Attribute> {
        [("otel.scope.name", scope.name), ("otel.scope.version", scope.version)]
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| Attribute {
                key: self.texts.share(key),
                value: Value::Text(self.texts.share(self.cut(&value, notes))),
            })
            .collect()
    }

    fn span(
        &self,
        given: otlp::Span,
        origin: &Origin,
        scope: &[Attribute],
        mut notes: Notes,
        now: u64,
    ) -> Result<Span, Reason> {
        let trace_id = trace_id(&given.trace_id)?;
        let span_id = span_id(&given.span_id)?;
        let (start, end) = (given.start_time_unix_nano, given.end_time_unix_nano);
        let duration = end.checked_sub(start).ok_or(Reason::Backwards)?;
        self.timely(start, now)?;
        self.timely(end, now)?;
        let parent = parent(&given.parent_span_id)?;
        notes.own_parent += usize::from(parent == Some(span_id));
        let dropped = [given.dropped_attributes_count, given.dropped_events_count, given.dropped_links_count];
        notes.by_the_sender += dropped.into_iter().map(|count| count as usize).sum::<usize>();
        let name = self.name(&given.name, &mut notes);
        let mut attributes = self.attributes(given.attributes, &mut notes);
        attributes.extend(scope.iter().cloned());
        let events = self.events(given.events, &mut notes, now);
        let links = self.links(given.links, &mut notes);
        let status = self.status(given.status.unwrap_or_default(), &mut notes);
        let words = notes.words(&self.limits);
        let warnings =
            words.iter().map(|words| self.texts.share(words)).chain(origin.warnings.iter().cloned());
        Ok(Span {
            trace_id,
            span_id,
            parent: parent.filter(|parent| *parent != span_id),
            name,
            kind: kind(given.kind),
            start,
            duration,
            status,
            attributes: attributes.into(),
            events: events.into(),
            links: links.into(),
            resource: origin.resource.clone(),
            warnings: warnings.collect(),
        })
    }

    /// What happened within the span, in order of time.
    fn events(&self, given: Vec<otlp::span::Event>, notes: &mut Notes, now: u64) -> Vec<Event> {
        let mut kept = Vec::with_capacity(given.len().min(self.limits.events_and_links));
        for event in given {
            if self.timely(event.time_unix_nano, now).is_err() {
                notes.untimely += 1;
            } else if kept.len() >= self.limits.events_and_links {
                notes.events += 1;
            } else {
                notes.by_the_sender += event.dropped_attributes_count as usize;
                kept.push(Event {
                    time: event.time_unix_nano,
                    name: self.name(&event.name, notes),
                    attributes: self.attributes(event.attributes, notes).into(),
                });
            }
        }
        kept.sort_by_key(|event| event.time);
        kept
    }

    fn links(&self, given: Vec<otlp::span::Link>, notes: &mut Notes) -> Vec<Link> {
        let mut kept = Vec::with_capacity(given.len().min(self.limits.events_and_links));
        for link in given {
            let (Ok(trace_id), Ok(span_id)) = (trace_id(&link.trace_id), span_id(&link.span_id)) else {
                notes.nowhere += 1;
                continue;
            };
            if kept.len() >= self.limits.events_and_links {
                notes.links += 1;
            } else {
                notes.by_the_sender += link.dropped_attributes_count as usize;
                let attributes = self.attributes(link.attributes, notes).into();
                kept.push(Link { trace_id, span_id, attributes });
            }
        }
        kept
    }

    fn status(&self, given: otlp::Status, notes: &mut Notes) -> Status {
        match StatusCode::try_from(given.code) {
            Ok(StatusCode::Ok) => Status::Ok,
            Ok(StatusCode::Error) => {
                let words = self.cut(&given.message, notes);
                Status::Error((!words.is_empty()).then(|| words.into()))
            }
            Ok(StatusCode::Unset) | Err(_) => Status::Unset,
        }
    }
}

fn kind(given: i32) -> Kind {
    match SpanKind::try_from(given) {
        Ok(SpanKind::Server) => Kind::Server,
        Ok(SpanKind::Client) => Kind::Client,
        Ok(SpanKind::Producer) => Kind::Producer,
        Ok(SpanKind::Consumer) => Kind::Consumer,
        Ok(SpanKind::Internal | SpanKind::Unspecified) | Err(_) => Kind::Internal,
    }
}

fn trace_id(bytes: &[u8]) -> Result<u128, Reason> {
    let bytes = bytes.try_into().map_err(|_| Reason::BadId)?;
    Some(u128::from_be_bytes(bytes)).filter(|id| *id != 0).ok_or(Reason::BadId)
}

fn span_id(bytes: &[u8]) -> Result<u64, Reason> {
    parent(bytes)?.ok_or(Reason::BadId)
}

/// Some senders write no parent, and some write zeros.
fn parent(bytes: &[u8]) -> Result<Option<u64>, Reason> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let bytes = bytes.try_into().map_err(|_| Reason::BadId)?;
    Ok(Some(u64::from_be_bytes(bytes)).filter(|id| *id != 0))
}
