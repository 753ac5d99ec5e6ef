//! Sends calls by lapin.

use std::sync::Arc;
use std::task::{Context as Poller, Poll};

use bytes::Bytes;
use chassis::messaging::rpc::{Frame, WINDOW, request, requests_of};
use contracts::error::ProblemJson;
use contracts::{PortError, RemoteReason, Shape};
use futures::future::BoxFuture;
use tower::Service;

use super::conversation;
use super::line::{Conversation, Heard, Unsent};
use super::switchboard::Switchboard;
use crate::call::{Call, Failures, Payload, Reply};
use crate::choices::WireKind;

/// The largest reply that is read, in bytes: what gRPC allows a message by default.
const LARGEST_REPLY: usize = 4 * 1024 * 1024;
/// How many messages that are no items may wait to be read.
const OTHER_FRAMES: usize = 64;

/// Calls over the present line of a process.
#[derive(Clone)]
pub(super) struct Transport {
    switchboard: Arc<Switchboard>,
}

impl Transport {
    pub(super) fn over(switchboard: Arc<Switchboard>) -> Self {
        Self { switchboard }
    }
}

impl Service<Call> for Transport {
    type Response = Reply;
    type Error = PortError;
    type Future = BoxFuture<'static, Result<Reply, PortError>>;

    fn poll_ready(&mut self, _: &mut Poller<'_>) -> Poll<Result<(), PortError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let switchboard = self.switchboard.clone();
        Box::pin(async move {
            let failures = Failures { operation: call.operation, wire: WireKind::Amqp };
            let unreachable = |why| failures.not_sent(RemoteReason::Unreachable, why);
            let line = switchboard.line().await.map_err(unreachable)?;
            if call.operation.shape == Shape::Unary {
                return ask(line.begin(OTHER_FRAMES).map_err(unreachable)?, call, failures).await;
            }
            let most = WINDOW as usize + OTHER_FRAMES;
            conversation::open(line.begin(most).map_err(unreachable)?, call, failures).await
        })
    }
}

/// One request, one reply.
async fn ask(mut conversation: Conversation, call: Call, failures: Failures) -> Result<Reply, PortError> {
    let Payload::One(body) = call.body else {
        return Err(failures.not_sent(RemoteReason::Garbled, "a stream was sent where one request belongs"));
    };
    send_request(&conversation, failures, &call.context, call.edge.callee, body).await?;
    match conversation.hear().await {
        Some(Heard::Frame(Frame::Reply, _, body)) if body.len() <= LARGEST_REPLY => {
            Ok(Reply { body: Payload::One(body) })
        }
        Some(Heard::Frame(Frame::Reply, ..)) => {
            Err(failures.sent(RemoteReason::Garbled, "the reply is larger than this client reads"))
        }
        Some(other) => Err(refusal(failures, call.edge.callee, other)),
        None => Err(lost(failures)),
    }
}

/// Sends the request of a call.
pub(super) async fn send_request(
    conversation: &Conversation,
    failures: Failures,
    context: &contracts::Context,
    callee: &str,
    body: Bytes,
) -> Result<(), PortError> {
    let properties = request::properties(failures.operation, context, conversation.correlation.as_str());
    let sent = conversation.send(requests_of(callee), properties, body).await;
    sent.map_err(|unsent| match unsent {
        Unsent::Never(why) => failures.not_sent(RemoteReason::Unreachable, why),
        Unsent::Perhaps(why) => failures.sent(RemoteReason::Broken, why),
    })
}

/// Why a call gets no reply, given what came instead.
pub(super) fn refusal(failures: Failures, callee: &str, heard: Heard) -> PortError {
    match heard {
        Heard::Frame(Frame::Problem, _, body) => problem(failures, &body),
        Heard::Frame(frame, ..) => failures.sent(RemoteReason::Garbled, format!("{frame:?} came instead")),
        Heard::Garbled(fault) => failures.sent(RemoteReason::Garbled, fault),
        Heard::Returned => {
            let detail = format!("no instance of {callee} takes requests from {}", requests_of(callee));
            failures.not_sent(RemoteReason::NoInstance, detail)
        }
        Heard::Refused => failures.sent(RemoteReason::Broken, "the broker did not keep the request"),
    }
}

/// A problem as the callee told it.
pub(super) fn problem(failures: Failures, body: &[u8]) -> PortError {
    match serde_json::from_slice(body).map(ProblemJson::into_problem) {
        Ok(Some(problem)) => problem.into(),
        Ok(None) => failures.sent(RemoteReason::Garbled, "the problem is of no known kind"),
        Err(error) => failures.sent(RemoteReason::Garbled, error.to_string()),
    }
}

/// The line was lost while the call waited.
pub(super) fn lost(failures: Failures) -> PortError {
    failures.sent(RemoteReason::Broken, "the channel to the broker was lost")
}
