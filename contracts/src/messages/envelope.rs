//! What every message has, whatever it says: the attributes of a CloudEvent (CloudEvents 1.0, with its
//! `sequence` and distributed tracing extensions), and an extension of our own, `coordination`.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::orders::Coordination;
use crate::payments::CardToken;
use crate::types::{Address, CustomerId, Money, OrderId, Timestamp};
use crate::{Context, TraceContext};

/// A message, decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Unlike that of any other message (`id`). Whoever says the same thing again says it under the
    /// same id, so that nobody acts on it twice.
    pub id: MessageId,
    /// What it says and in which version (`type`): `tradewind.inventory.stock_reserved.v1`.
    pub kind: String,
    /// The module that says it (`source`, which on the wire is `/inventory`).
    pub source: String,
    /// The order that it is about (`subject`).
    pub subject: OrderId,
    /// The version of what it is about (`sequence`): a later one outdates an earlier one.
    pub sequence: u64,
    /// Who drives that order (`coordination`).
    pub coordination: Coordination,
    /// When it was said (`time`).
    pub at: Timestamp,
    /// The trace in which it was said (`traceparent`, `tracestate`).
    pub trace: TraceContext,
    /// What it says (`data`), as JSON.
    pub data: Value,
}

/// Names a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct MessageId(pub Uuid);

/// The name space of the ids that are derived from what a message says (RFC 9562, version 5).
const NAMESPACE: Uuid = Uuid::from_u128(0x7a1d_e71d_0000_5000_8000_6d65_7373_6167);

impl MessageId {
    /// The id of what `source` says as `kind` about version `sequence` of `subject`: always the same, so
    /// that saying it twice is saying it once.
    pub fn of(source: &str, kind: &str, subject: OrderId, sequence: u64) -> Self {
        Self(Uuid::new_v5(&NAMESPACE, format!("{source}/{kind}/{subject}/{sequence}").as_bytes()))
    }

    /// The id of the answer `kind` that `source` gives to this message: always the same.
    pub fn answered(self, source: &str, kind: &str) -> Self {
        Self(Uuid::new_v5(&NAMESPACE, format!("{}/{source}/{kind}", self.0).as_bytes()))
    }

    /// An id that no message has.
    pub fn random() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// Under what circumstances something was done to an order, kept with what was done, so that whatever is
/// said about it later says so too: by this request, by a sweep, by a carrier days after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Who drives the order.
    pub coordination: Coordination,
    /// The trace in which it was done.
    pub trace: TraceContext,
    /// What is passed on from event to event of a choreographed order.
    pub passed: Option<Passed>,
}

/// What those who come later in a choreographed order need to know, and cannot ask anybody for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Passed {
    /// Who ordered.
    pub customer_id: CustomerId,
    /// What is to be paid.
    pub amount: Money,
    /// Who pays.
    pub card: CardToken,
    /// Where to.
    pub address: Address,
    /// What it weighs, in grams.
    pub weight_grams: u32,
}

impl Origin {
    /// Something that was asked for by a call: in the `sync` coordination, or by a person.
    pub fn of_call(ctx: &Context) -> Self {
        Self { coordination: Coordination::Sync, trace: ctx.trace.clone(), passed: None }
    }

    /// Something that a message led to.
    pub fn of_message(message: &Message, ctx: &Context) -> Self {
        Self { coordination: message.coordination, trace: ctx.trace.clone(), passed: None }
    }

    /// The same, with what is passed on.
    pub fn passing(self, passed: Option<Passed>) -> Self {
        Self { passed, ..self }
    }
}

/// An origin as it is stored: the trace as its header, since that is how everybody reads it.
#[derive(Serialize, Deserialize)]
struct StoredOrigin {
    coordination: Coordination,
    traceparent: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tracestate: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    passed: Option<Passed>,
}

impl Serialize for Origin {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let stored = StoredOrigin {
            coordination: self.coordination,
            traceparent: self.trace.traceparent(),
            tracestate: self.trace.state.clone(),
            passed: self.passed.clone(),
        };
        stored.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = StoredOrigin::deserialize(deserializer)?;
        let trace = TraceContext::parse(&stored.traceparent, stored.tracestate.as_deref());
        Ok(Self {
            coordination: stored.coordination,
            trace: trace.unwrap_or_else(TraceContext::root),
            passed: stored.passed,
        })
    }
}
