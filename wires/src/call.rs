//! What passes below a port: a [`Call`] goes in, a [`Reply`] or an error comes out, whatever the wire.
//! Resilience is written once, against these types.

use std::sync::Arc;

use bytes::Bytes;
use contracts::{
    Context, Effect, Kind, Operation, PortError, PortResult, RemoteFailure, RemoteReason, Streaming,
};
use futures::StreamExt;
use tokio_util::sync::{CancellationToken, DropGuard};
use tower::util::BoxCloneSyncService;

use crate::choices::WireKind;

/// A wire: the layers of [`crate::stack`] round a transport.
pub type Wire = BoxCloneSyncService<Call, Reply, PortError>;

/// Which module calls which.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct EdgeName {
    /// The tail: `orders`.
    pub caller: String,
    /// The head: `inventory`.
    pub callee: &'static str,
}

/// One call on its way.
pub struct Call {
    /// From whom to whom.
    pub edge: Arc<EdgeName>,
    /// What is asked.
    pub operation: &'static Operation,
    /// Under what circumstances.
    pub context: Context,
    /// Where to, in the wire's own terms: path and query on REST, the method's full name on gRPC, the
    /// operation's on AMQP.
    pub target: String,
    /// What is sent, encoded.
    pub body: Payload,
}

impl Call {
    /// The same call once more; nothing where what is sent can be sent only once.
    pub(crate) fn again(&self) -> Option<Self> {
        let Payload::One(body) = &self.body else { return None };
        Some(Self {
            edge: self.edge.clone(),
            operation: self.operation,
            context: self.context.clone(),
            target: self.target.clone(),
            body: Payload::One(body.clone()),
        })
    }
}

/// What came back.
pub struct Reply {
    /// Encoded as the call was.
    pub body: Payload,
}

/// One message, or many.
pub enum Payload {
    /// All of it.
    One(Bytes),
    /// One item a message, as they come.
    Many(Streaming<PortResult<Bytes>>),
}

/// Builds the errors of one call: they all name the operation and the wire.
#[derive(Clone, Copy)]
pub struct Failures {
    /// What was asked.
    pub operation: &'static Operation,
    /// The wire that it took.
    pub wire: WireKind,
}

impl Failures {
    /// The call failed before anything was sent.
    pub fn not_sent(self, reason: RemoteReason, detail: impl Into<String>) -> PortError {
        self.failure(reason, Effect::None, detail.into())
    }

    /// The call failed after it was sent: the work may have happened, unless it is a read.
    pub fn sent(self, reason: RemoteReason, detail: impl Into<String>) -> PortError {
        let effect = if self.operation.kind == Kind::Read { Effect::None } else { Effect::Unknown };
        self.failure(reason, effect, detail.into())
    }

    fn failure(self, reason: RemoteReason, effect: Effect, detail: String) -> PortError {
        PortError::Remote(RemoteFailure {
            operation: self.operation.to_string(),
            wire: self.wire.to_string(),
            reason,
            effect,
            detail,
        })
    }
}

/// Ties the requests of a call to its replies: they end when the caller lets go of the replies, or when
/// the call fails to open. HTTP sends a request to its end although nobody reads the response any more,
/// and the callee would go on for nobody.
pub(crate) struct Tie {
    _let_go: DropGuard,
}

impl Tie {
    /// The requests, and what they hang on.
    pub(crate) fn to<In: Send + 'static>(requests: Streaming<In>) -> (Streaming<In>, Self) {
        let let_go = CancellationToken::new();
        let requests = requests.take_until(let_go.clone().cancelled_owned()).boxed();
        (requests, Self { _let_go: let_go.drop_guard() })
    }

    /// The replies, on which the requests hang from now on.
    pub(crate) fn holding<Out: 'static>(self, replies: Streaming<Out>) -> Streaming<Out> {
        let held = replies.map(move |reply| {
            let _held = &self;
            reply
        });
        held.boxed()
    }
}
