//! One attempt at one message: given to the handler, judged and counted, wherever it came from.

use std::sync::Arc;
use std::time::Instant;

use contracts::messages::Message;
use contracts::messages::queues::DELIVERY_LIMIT;
use tracing::Instrument;

use super::{Delivery, Handled, Handler, guarded};
use crate::messaging::broker::consumed;

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

/// Gives a message to `handler`, where it can be read.
pub(super) async fn attempt(
    handler: &Arc<dyn Handler>,
    queue: &'static str,
    attempt: u32,
    message: Result<Message, String>,
) -> Judgement {
    let begun = Instant::now();
    let (handled, undecodable) = match message {
        Ok(message) => (handle(handler.clone(), Delivery { message, queue, attempt }).await, false),
        Err(fault) => (Handled::Hopeless(format!("it cannot be read: {fault}")), true),
    };
    let outcome = match &handled {
        Handled::Done => "done",
        Handled::Again(_) => "again",
        Handled::Hopeless(_) if undecodable => "undecodable",
        Handled::Hopeless(_) => "hopeless",
    };
    consumed(queue, outcome, begun.elapsed());
    judge(queue, attempt, handled)
}

async fn handle(handler: Arc<dyn Handler>, delivery: Delivery) -> Handled {
    let span = tracing::info_span!(
        "consume",
        queue = delivery.queue,
        message_id = %delivery.message.id,
        trace_id = delivery.message.trace.trace_id_hex(),
    );
    let work = async move { handler.handle(&delivery).await };
    guarded(work.instrument(span)).await.unwrap_or_else(Handled::Again)
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
