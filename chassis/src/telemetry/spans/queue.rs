//! The way from a span's end to the collector: a bounded queue, and a task that empties it in batches. Nobody waits
//! for it: where the queue is full, or a batch does not arrive, spans are dropped and counted.

use std::sync::LazyLock;
use std::time::Duration;

use opentelemetry::metrics::Counter;
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter as _, SpanProcessor};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::telemetry::metrics::meter;
use crate::telemetry::otlp::{Collector, Health};

/// Spans of one service that wait; more are dropped.
const LONGEST: usize = 2048;
/// Spans that are sent at once.
const BATCH: usize = 512;
/// How long the first span of a batch waits for others.
const COMPANY: Duration = Duration::from_millis(200);

static PROCESSED: LazyLock<Counter<u64>> = LazyLock::new(|| {
    meter()
        .u64_counter("otel.sdk.processor.span.processed")
        .with_unit("{span}")
        .with_description("Spans that ended, by what kept them from being sent: `queue_full`, or nothing")
        .build()
});

static EXPORTED: LazyLock<Counter<u64>> = LazyLock::new(|| {
    meter()
        .u64_counter("otel.sdk.exporter.span.exported")
        .with_unit("{span}")
        .with_description("Spans that were sent, by what kept them from arriving: `rejected`, or nothing")
        .build()
});

/// Where the spans of one service go when they have ended.
#[derive(Debug)]
pub(super) struct Queue {
    waiting: mpsc::Sender<SpanData>,
    module: KeyValue,
}

/// Begins to send the spans of a service. They are sent until the collector is told that it is over, and then what
/// waits is sent.
pub(super) fn begin(collector: &Collector, resource: &Resource) -> Result<Queue, ExporterBuildError> {
    let mut exporter = collector.spans()?;
    exporter.set_resource(resource);
    let module = collector.module_of(resource);
    let (waiting, queue) = mpsc::channel(LONGEST);
    // so that all of them are seen before there is anything to count
    PROCESSED.add(0, std::slice::from_ref(&module));
    PROCESSED.add(0, &[module.clone(), dropped()]);
    EXPORTED.add(0, &[module.clone(), rejected()]);
    let task = Sending {
        queue,
        exporter,
        over: collector.over(),
        health: Health::default(),
        module: module.clone(),
    };
    collector.spawn(task.run());
    Ok(Queue { waiting, module })
}

fn rejected() -> KeyValue {
    KeyValue::new("error.type", "rejected")
}

fn dropped() -> KeyValue {
    KeyValue::new("error.type", "queue_full")
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        match self.waiting.try_send(span) {
            Ok(()) => PROCESSED.add(1, std::slice::from_ref(&self.module)),
            Err(_) => PROCESSED.add(1, &[self.module.clone(), dropped()]),
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

struct Sending {
    queue: mpsc::Receiver<SpanData>,
    exporter: SpanExporter,
    over: CancellationToken,
    health: Health,
    module: KeyValue,
}

impl Sending {
    async fn run(mut self) {
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                received = self.queue.recv_many(&mut batch, BATCH) => if received == 0 { return },
                () = self.over.cancelled() => break,
            }
            if batch.len() < BATCH {
                self.over.run_until_cancelled(tokio::time::sleep(COMPANY)).await;
                while batch.len() < BATCH
                    && let Ok(span) = self.queue.try_recv()
                {
                    batch.push(span);
                }
            }
            self.send(&mut batch).await;
        }
        // what ended before
        while let Ok(span) = self.queue.try_recv() {
            batch.push(span);
            if batch.len() == BATCH {
                self.send(&mut batch).await;
            }
        }
        self.send(&mut batch).await;
    }

    async fn send(&mut self, batch: &mut Vec<SpanData>) {
        if batch.is_empty() {
            return;
        }
        let spans = batch.len() as u64;
        match self.exporter.export(std::mem::take(batch)).await {
            Ok(()) => {
                EXPORTED.add(spans, std::slice::from_ref(&self.module));
                self.health.well();
            }
            Err(error) => {
                EXPORTED.add(spans, &[self.module.clone(), rejected()]);
                let pause = self.health.failed(&error);
                self.over.run_until_cancelled(tokio::time::sleep(pause)).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use opentelemetry::InstrumentationScope;
    use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status};
    use opentelemetry_sdk::trace::{SpanEvents, SpanLinks};

    use super::*;
    use crate::telemetry::metrics::render;

    fn ended() -> SpanData {
        let now = SystemTime::now();
        SpanData {
            span_context: SpanContext::empty_context(),
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: "work".into(),
            start_time: now,
            end_time: now,
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: InstrumentationScope::default(),
        }
    }

    #[test]
    fn a_queue_that_nobody_empties_takes_what_it_may_and_counts_the_rest() {
        let (waiting, _nobody_reads) = mpsc::channel(LONGEST);
        let queue = Queue { waiting, module: KeyValue::new("module", "queue-test") };
        for _ in 0..LONGEST + 7 {
            queue.on_end(ended());
        }
        let (text, of) = (render(), "module=\"queue-test\"");
        let counted: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with("otel_sdk_processor_span_processed_total") && line.contains(of))
            .collect();
        let ends = |count: usize, dropped: bool| {
            counted.iter().any(|line| {
                line.contains("error_type=\"queue_full\"") == dropped && line.ends_with(&format!(" {count}"))
            })
        };
        assert!(ends(LONGEST, false) && ends(7, true), "{counted:#?}");
    }
}
