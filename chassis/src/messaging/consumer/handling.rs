//! One attempt at one message: given to the handler, judged and counted, wherever it came from.

use std::sync::Arc;
use std::time::Instant;

use contracts::TraceContext;
use contracts::messages::queues::DELIVERY_LIMIT;
use contracts::messages::{Message, Queue};

use super::earlier::Earlier;
use super::{Delivery, Handled, Handler, guarded};
use crate::messaging::broker::{consumed, consumes};
use crate::telemetry::spans::{Begin, KeyValue, Span, SpanKind};

/// What is to become of a message after an attempt.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// It is dealt with.
    Done,
    /// It is tried again later, for this cause.
    Again(String),
    /// It becomes a dead letter, for this cause.
    PutAside(String),
}

/// What came of an attempt.
#[derive(Debug)]
pub(super) struct Attempted {
    pub judgement: Judgement,
    /// Where the attempt is in its trace; nothing where the message could not be read.
    pub trace: Option<TraceContext>,
}

/// Deals with the messages of one queue.
pub(super) struct Handling {
    queue: &'static Queue,
    handler: Arc<dyn Handler>,
    /// What carries messages here, in OpenTelemetry's terms.
    carrier: &'static str,
    earlier: Earlier,
}

impl Handling {
    pub fn new(queue: &'static Queue, handler: Arc<dyn Handler>, carrier: &'static str) -> Self {
        consumes(queue.name);
        Self { queue, handler, carrier, earlier: Earlier::default() }
    }

    /// The queue.
    pub fn queue(&self) -> &'static Queue {
        self.queue
    }

    /// Gives a message to the handler, where it can be read. Where it was put aside before and sent again,
    /// `put_aside` is the attempt at which that was.
    pub async fn attempt(
        &self,
        number: u32,
        message: Result<Message, String>,
        put_aside: Option<TraceContext>,
    ) -> Attempted {
        let begun = Instant::now();
        let attempted = match message {
            Ok(message) => self.handle(number, message, put_aside).await,
            Err(fault) => {
                consumed(self.queue.name, "undecodable", begun.elapsed());
                return Attempted {
                    judgement: Judgement::PutAside(format!("it cannot be read: {fault}")),
                    trace: None,
                };
            }
        };
        let outcome = match &attempted.0 {
            Handled::Done => "done",
            Handled::Again(_) => "again",
            Handled::Hopeless(_) => "hopeless",
        };
        consumed(self.queue.name, outcome, begun.elapsed());
        let (handled, trace) = attempted;
        Attempted { judgement: judge(self.queue.name, number, handled), trace: Some(trace) }
    }

    async fn handle(
        &self,
        number: u32,
        mut message: Message,
        put_aside: Option<TraceContext>,
    ) -> (Handled, TraceContext) {
        let id = message.id;
        let before = self.earlier.take(id).or(put_aside);
        let span = self.span(number, &message, before.as_ref());
        // what the handler does and says belongs to this attempt
        message.trace.clone_from(span.trace());
        let delivery = Delivery { message, queue: self.queue.name, attempt: number };
        let handler = self.handler.clone();
        let span = Arc::new(span);
        let inside = span.clone();
        let work = async move { inside.around(handler.handle(&delivery)).await };
        let handled = guarded(work).await.unwrap_or_else(Handled::Again);
        let failure = match &handled {
            Handled::Done => None,
            Handled::Again(cause) => Some(("again", cause)),
            Handled::Hopeless(cause) => Some(("hopeless", cause)),
        };
        if let Some((kind, cause)) = failure {
            span.fail(kind, cause);
            self.earlier.remember(id, span.trace());
        }
        (handled, span.trace().clone())
    }

    /// The span of an attempt: a child of the message's publishing, with a link to the attempt before.
    fn span(&self, number: u32, message: &Message, before: Option<&TraceContext>) -> Span {
        let name = format!("process {}", self.queue.name);
        let begin = Begin::new(SpanKind::Consumer, self.queue.module, name).child_of(&message.trace);
        let span = match before {
            Some(before) => begin.linked_to(before).begin(),
            None => begin.begin(),
        };
        span.describe(|| {
            [
                KeyValue::new("messaging.system", self.carrier),
                KeyValue::new("messaging.operation.type", "process"),
                KeyValue::new("messaging.operation.name", "process"),
                KeyValue::new("messaging.destination.name", self.queue.name),
                KeyValue::new("messaging.message.id", message.id.to_string()),
                KeyValue::new("cloudevents.event_type", message.kind.clone()),
                KeyValue::new("tradewind.attempt", i64::from(number)),
            ]
        });
        span.about(message.subject);
        span
    }
}

fn judge(queue: &str, attempt: u32, handled: Handled) -> Judgement {
    match handled {
        Handled::Done => Judgement::Done,
        Handled::Again(cause) if attempt < DELIVERY_LIMIT => {
            tracing::debug!(cause, attempt, "{queue}: again later: {cause}");
            Judgement::Again(cause)
        }
        Handled::Again(cause) | Handled::Hopeless(cause) => Judgement::PutAside(cause),
    }
}

/// Says that a message became a dead letter.
pub(super) fn was_put_aside(queue: &str, message_id: &str, attempts: u32, cause: &str) {
    tracing::error!(
        queue,
        message_id,
        attempts,
        cause,
        "message {message_id} of {queue} was put aside after {attempts} attempts: {cause}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_again_does_so_until_the_limit_and_what_is_hopeless_does_not() {
        let cause = || "because".to_owned();
        let judged = |attempt, handled| judge("test", attempt, handled);
        assert_eq!(judged(DELIVERY_LIMIT, Handled::Done), Judgement::Done);
        assert_eq!(judged(1, Handled::Again(cause())), Judgement::Again(cause()));
        assert_eq!(judged(DELIVERY_LIMIT - 1, Handled::Again(cause())), Judgement::Again(cause()));
        assert_eq!(judged(DELIVERY_LIMIT, Handled::Again(cause())), Judgement::PutAside(cause()));
        assert_eq!(judged(1, Handled::Hopeless(cause())), Judgement::PutAside(cause()));
    }
}
