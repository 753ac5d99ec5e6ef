//! What reading a part of the log is in the traces that its events belong to. A reader takes many events at once, so
//! that is one span, and in each event's own trace there is another one with a link to it.

use super::LogEntry;
use crate::telemetry::spans::{Begin, KeyValue, Span, SpanKind, recording};
use contracts::messages::Message;
use contracts::messages::queues::EVENT_LOG;

/// The spans of one reading.
pub(super) struct Reading {
    /// The reading as a whole, where several traces meet in it.
    batch: Option<Span>,
    /// What it is to each event.
    events: Vec<Span>,
}

impl Reading {
    /// Begins to read `entries` as `module`; nothing where no trace of theirs is recorded.
    pub fn begin(module: &'static str, carrier: &'static str, entries: &[LogEntry]) -> Option<Self> {
        let recorded: Vec<&Message> = entries
            .iter()
            .filter_map(|entry| entry.message.as_ref().ok())
            .filter(|message| message.trace.sampled)
            .collect();
        if recorded.is_empty() || !recording() {
            return None;
        }
        let batch = (recorded.len() > 1).then(|| {
            let begin = Begin::new(SpanKind::Consumer, module, format!("process {EVENT_LOG}"));
            let span = recorded.iter().fold(begin, |begin, message| begin.linked_to(&message.trace)).begin();
            describe(&span, carrier);
            let count = i64::try_from(entries.len()).unwrap_or(i64::MAX);
            span.describe(|| [KeyValue::new("messaging.batch.message_count", count)]);
            span
        });
        let events = recorded.into_iter().map(|message| {
            let begin = Begin::new(SpanKind::Consumer, module, format!("process {EVENT_LOG}"));
            let begin = begin.child_of(&message.trace);
            let span = match batch.as_ref().filter(|batch| batch.trace().sampled) {
                Some(batch) => begin.linked_to(batch.trace()).begin(),
                None => begin.begin(),
            };
            describe(&span, carrier);
            span.describe(|| {
                [
                    KeyValue::new("messaging.message.id", message.id.to_string()),
                    KeyValue::new("cloudevents.event_type", message.kind.clone()),
                ]
            });
            span
        });
        Some(Self { events: events.collect(), batch })
    }

    /// Does the reading inside: what it does to the database is not any one event's, unless there is only one.
    pub async fn around<T>(&self, work: impl Future<Output = T>) -> T {
        match self.batch.as_ref().or(self.events.first()) {
            Some(span) => span.around(work).await,
            None => work.await,
        }
    }

    /// It did not work, and is tried again.
    pub fn fail(&self, cause: &str) {
        for span in self.batch.iter().chain(&self.events) {
            span.fail("again", cause);
        }
    }
}

fn describe(span: &Span, carrier: &'static str) {
    span.describe(|| {
        [
            KeyValue::new("messaging.system", carrier),
            KeyValue::new("messaging.operation.type", "process"),
            KeyValue::new("messaging.operation.name", "process"),
            KeyValue::new("messaging.destination.name", EVENT_LOG),
        ]
    });
}
