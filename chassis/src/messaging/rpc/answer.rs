//! Answers one request: reads it, has it carried out, says what came of it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use contracts::error::ProblemJson;
use contracts::{Code, Context, Kind, Operation, Problem, TraceContext};
use futures::FutureExt;
use lapin::Channel;
use lapin::message::Delivery;
use lapin::options::BasicPublishOptions;
use lapin::types::ShortString;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Histogram;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::operations::{Answer, Handler, Table};
use super::{Frame, request, requests_of, stream};
use crate::messaging::broker::Link;
use crate::server::Limits;
use crate::telemetry::metrics::meter;
use crate::telemetry::spans::{Begin, Span, SpanKind};

/// How many streams are open at once.
const STREAMS: usize = 256;
/// How long after the deadline work is given up: the service itself is to notice it first, and to say how
/// things stand.
pub(super) const GRACE: Duration = Duration::from_millis(500);

static DURATION: LazyLock<Histogram<f64>> = LazyLock::new(|| {
    meter()
        .f64_histogram("rpc.server.duration")
        .with_unit("s")
        .with_description("Time from a request by message to its reply; of a stream, to its end")
        .with_boundaries(vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0])
        .build()
});

/// A request as it came, and what it came over.
pub(super) struct Envelope {
    pub request: Delivery,
    pub link: Link,
    pub channel: Channel,
    /// Its place among the requests that are worked on at once.
    pub turn: OwnedSemaphorePermit,
}

/// Where requests are answered.
pub(super) struct Desk {
    operations: Table,
    streams: Arc<Semaphore>,
}

impl Desk {
    pub(super) fn new(operations: Table) -> Self {
        Self { operations, streams: Arc::new(Semaphore::new(STREAMS)) }
    }

    /// Answers a request, unless nobody waits for an answer.
    pub(super) async fn answer(self: Arc<Self>, envelope: Envelope) {
        let Envelope { request, link, channel, turn } = envelope;
        let service = self.operations.service;
        let Some((to, correlation)) = request::reply_to(&request.properties) else {
            tracing::warn!(service, "a request to {service} was dropped: it does not say where to answer");
            return;
        };
        let caller = Caller { channel, link, to, correlation, sequence: AtomicU64::new(0) };
        let (operation, handler, mut context) = match self.read(&request) {
            Ok(read) => read,
            Err(problem) => {
                tracing::debug!(service, %problem, "a request to {service} was refused: {problem}");
                return caller.refuse(&problem, None).await;
            }
        };
        let span = begin(operation, &request);
        let trace = span.trace().clone();
        context.trace = trace.clone();
        let begun = Instant::now();
        let body = Bytes::from(request.data);
        let answered = async {
            match handler {
                Handler::One(work) => {
                    let ended = in_time(context.deadline.instant(), work(context, body)).await;
                    drop(turn);
                    caller.reply(ended, &trace).await
                }
                Handler::Many(work) => match self.streams.clone().try_acquire_owned() {
                    Ok(_open) => {
                        stream::answer(&caller, &trace, turn, context, |context, requests| {
                            work(context, body, requests)
                        })
                        .await
                    }
                    Err(_) => {
                        let problem = Problem::new(
                            Code::Unavailable,
                            format!("{service} has {STREAMS} streams open, and opens no more for now"),
                        );
                        caller.refuse(&problem, Some(&trace)).await;
                        problem.code.as_str()
                    }
                },
            }
        };
        let outcome = span.around(answered).await;
        if outcome == GIVEN_UP || Code::from_text(outcome).is_some_and(Code::is_servers_fault) {
            span.fail(outcome, outcome);
        }
        let elapsed = begun.elapsed();
        let labels = [
            KeyValue::new("rpc.system", "amqp"),
            KeyValue::new("rpc.method", operation.to_string()),
            KeyValue::new("outcome", outcome),
        ];
        DURATION.record(elapsed.as_secs_f64(), &labels);
        span.within(|| {
            tracing::debug!(outcome, micros = elapsed.as_micros() as u64, "AMQP {operation}: {outcome}");
        });
    }

    /// What is asked, by whom, and how it is answered; or why it is not.
    fn read(&self, request: &Delivery) -> Result<(&'static Operation, Handler, Context), Problem> {
        let name = request.properties.kind().as_ref().map_or("", ShortString::as_str);
        let (operation, handler) = self.operations.find(name).ok_or_else(|| {
            let service = self.operations.service;
            Problem::new(Code::NotFound, format!("there is no operation {name:?} of {service}"))
        })?;
        if request.data.len() > Limits::default().body_bytes {
            return Err(Problem::new(Code::TooLarge, "the body is larger than this service reads"));
        }
        let context = request::context(&request.properties, operation)?;
        // whoever had it first may have begun before its acknowledgement was lost
        if request.redelivered && operation.kind == Kind::Changing && context.idempotency_key.is_none() {
            let detail = format!("{operation} may have been begun by an instance that has since gone");
            return Err(Problem::new(Code::OutcomeUnknown, detail));
        }
        Ok((operation, handler, context))
    }
}

/// The span of a request: a child of the call, wherever that is in its trace.
fn begin(operation: &'static Operation, request: &Delivery) -> Span {
    let parent = request::parent(&request.properties);
    let span = Begin::operation(SpanKind::Server, operation.port, operation);
    let span = span.child_of_any(parent.as_ref()).begin();
    span.describe(|| {
        [
            KeyValue::new("rpc.service", operation.port),
            KeyValue::new("rpc.method", operation.name),
            KeyValue::new("tradewind.wire", "amqp"),
            KeyValue::new("messaging.system", "rabbitmq"),
            KeyValue::new("messaging.destination.name", requests_of(operation.port).to_string()),
            KeyValue::new(
                "messaging.message.body.size",
                i64::try_from(request.data.len()).unwrap_or(i64::MAX),
            ),
        ]
    });
    span
}

/// What work comes to that is given up some time after its deadline, when nobody waits any more. That a
/// handler panics is a bug in one request, and must not end others.
pub(super) async fn in_time<T>(
    deadline: tokio::time::Instant,
    work: impl Future<Output = Result<T, Problem>>,
) -> Option<Result<T, Problem>> {
    let unpanicked = async {
        AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!("a request handler panicked");
            Err(Problem::internal())
        })
    };
    tokio::time::timeout_at(deadline + GRACE, unpanicked).await.ok()
}

/// Who asked: what it is told goes out in the order in which it is told.
pub(super) struct Caller {
    pub channel: Channel,
    pub link: Link,
    pub correlation: ShortString,
    to: ShortString,
    sequence: AtomicU64,
}

/// What became of a request that nobody waits for any more.
const GIVEN_UP: &str = "given_up";

impl Caller {
    /// Tells the one reply, or the problem. Returns which, for the measurement.
    async fn reply(&self, ended: Option<Answer>, trace: &TraceContext) -> &'static str {
        match ended {
            None => GIVEN_UP,
            Some(Ok(body)) => {
                self.say(&Frame::Reply, &body).await;
                "ok"
            }
            Some(Err(problem)) => {
                self.refuse(&problem, Some(trace)).await;
                problem.code.as_str()
            }
        }
    }

    /// Tells why there is no reply, or no more of them.
    pub(super) async fn refuse(&self, problem: &Problem, trace: Option<&TraceContext>) {
        let problem = ProblemJson::new(problem, trace.map(TraceContext::trace_id_hex));
        self.say(&Frame::Problem, &serde_json::to_vec(&problem).unwrap_or_default()).await;
    }

    /// Tells one thing. Where it cannot be told, nobody is left to hear it: that the connection is lost is
    /// noticed elsewhere.
    pub(super) async fn say(&self, frame: &Frame, body: &[u8]) {
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed);
        let properties = frame.properties(sequence, &self.correlation);
        // a direct reply is in no queue, and so would come back if it were mandatory
        let options = BasicPublishOptions::default();
        let said = self.channel.basic_publish("".into(), self.to.clone(), options, body, properties).await;
        if let Err(error) = said {
            tracing::debug!(%error, "a reply was not sent: {error}");
        }
    }
}
