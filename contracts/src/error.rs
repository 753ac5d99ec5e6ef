//! The one error type of every port.
//!
//! Libraries in this workspace use `thiserror`; `anyhow` is for binaries and their assembly.
//!
//! A [`Problem`] is the callee's own decision and crosses every wire unchanged: as RFC 9457 problem
//! JSON on REST, as a status with details on gRPC. A [`RemoteFailure`] says that no decision
//! arrived, and whether the work may have happened all the same. A caller must be able to tell
//! these two apart, so they are two types.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a port method returns.
pub type PortResult<T> = Result<T, PortError>;

/// Why a port method has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PortError {
    /// The callee decided against it.
    #[error("{0}")]
    Problem(#[from] Problem),
    /// The call failed on its way.
    #[error("{0}")]
    Remote(#[from] RemoteFailure),
}

impl PortError {
    /// Whether the work may have happened although there is no result.
    pub fn effect(&self) -> Effect {
        match self {
            Self::Problem(problem) => problem.code.effect(),
            Self::Remote(failure) => failure.effect,
        }
    }

    /// The callee's code, where it is the callee that decided.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Problem(problem) => Some(problem.code),
            Self::Remote(_) => None,
        }
    }

    /// Whether this is a decision: the callee has thought about it, did nothing, and will say the same
    /// again. Anything else may end otherwise when it is asked again, be it that the callee took no work
    /// at that moment, or that the outcome is open.
    pub fn is_decision(&self) -> bool {
        let passing = |code| {
            matches!(
                code,
                Code::Unavailable | Code::DependencyUnavailable | Code::DeadlineExceeded | Code::InProgress
            )
        };
        self.effect() == Effect::None && self.code().is_some_and(|code| !passing(code))
    }

    /// What a service tells *its* caller when it cannot go on because of this error: the callee's
    /// decision as it stands, or that a service behind it did not answer. Addresses and what was said
    /// there are for the log: whoever calls this for a [`RemoteFailure`] has logged it.
    pub fn into_problem(self) -> Problem {
        match self {
            Self::Problem(problem) => problem,
            Self::Remote(failure) => {
                let code = match (failure.effect, failure.reason) {
                    (Effect::Unknown, _) => Code::OutcomeUnknown,
                    (Effect::None, RemoteReason::TimedOut) => Code::DeadlineExceeded,
                    (Effect::None, _) => Code::DependencyUnavailable,
                };
                Problem::new(code, format!("{}: {}", failure.operation, failure.reason))
            }
        }
    }
}

/// Whether work may have happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing happened: the call can be made again, whatever it does.
    None,
    /// It may have happened: ask before repeating, unless it is idempotent.
    Unknown,
}

/// A call that ended without the callee's decision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation} over {wire}: {reason}: {detail}")]
pub struct RemoteFailure {
    /// The operation, `inventory.reserve`.
    pub operation: String,
    /// The wire the call took, `rest` or `grpc`.
    pub wire: String,
    /// What went wrong.
    pub reason: RemoteReason,
    /// Whether the work may have happened.
    pub effect: Effect,
    /// For the log and the engineer: what was tried, where, and what it said.
    pub detail: String,
}

/// What kind of failure a call met on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoteReason {
    /// Discovery knows no living instance.
    NoInstance,
    /// An instance could not be connected to.
    Unreachable,
    /// The deadline passed.
    TimedOut,
    /// The connection broke after the request was sent.
    Broken,
    /// The answer made no sense.
    Garbled,
}

impl std::fmt::Display for RemoteReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoInstance => "no instance is known",
            Self::Unreachable => "could not connect",
            Self::TimedOut => "no answer in time",
            Self::Broken => "the connection broke",
            Self::Garbled => "the answer could not be read",
        })
    }
}

/// A decision against a request: what the client is told. What the log keeps is logged where it
/// happens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Problem {
    /// What kind of problem, from a closed list that programs can match on.
    pub code: Code,
    /// What was wrong, where, and what to do, for a person.
    pub detail: String,
    /// Which fields were at fault, all of them at once.
    pub faults: Vec<Fault>,
    /// The resource that tells how it went on, as a path (`/orders/{id}`): the `Location` header.
    pub resource: Option<String>,
}

/// One field that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fault {
    /// The path of the field: `lines[0].quantity`.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

impl Problem {
    /// A problem without fields or resource.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), faults: Vec::new(), resource: None }
    }

    /// `invalid_request`, with every field at fault.
    pub fn invalid(faults: Vec<Fault>) -> Self {
        let names: Vec<_> = faults.iter().map(|f| format!("{} {}", f.field, f.message)).collect();
        Self { faults, ..Self::new(Code::InvalidRequest, names.join("; ")) }
    }

    /// `invalid_request` because of one field.
    pub fn invalid_field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::invalid(vec![Fault { field: field.into(), message: message.into() }])
    }

    /// `not_found`, naming what was sought.
    pub fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(Code::NotFound, format!("there is no {what}"))
    }

    /// An error of ours that the client cannot mend; the log has the rest, under the request's trace.
    pub fn internal() -> Self {
        Self::new(Code::Internal, "the service failed; its log says why, under this request's trace id")
    }

    /// The same problem, pointing at the resource that tells how it went on.
    pub fn at(mut self, resource: impl Into<String>) -> Self {
        self.resource = Some(resource.into());
        self
    }
}

/// An error with everything that caused it, for logs: an error's own text does not repeat its source.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Gathers every fault of a request, so that the client learns all of them at once.
#[derive(Debug, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Notes a fault unless `good`.
    pub fn check(&mut self, good: bool, field: impl Into<String>, message: impl Into<String>) {
        if !good {
            self.0.push(Fault { field: field.into(), message: message.into() });
        }
    }

    /// `Ok` where no fault was noted, the problem that names them all otherwise.
    pub fn into_result(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::invalid(self.0)) }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:literal, $grpc:ident, $title:literal;)*) => {
        /// Every kind of problem that a service of ours reports. One line each: the name, the text on
        /// the wire, the HTTP status (RFC 9110), the gRPC code, the title.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code there is.
            pub const ALL: &[Code] = &[$(Code::$name,)*];

            /// The text that stands for it on every wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// Whether it is whoever answers that failed, and not whoever asked.
            pub const fn is_servers_fault(self) -> bool {
                self.status() >= 500
            }

            /// The gRPC code.
            pub const fn grpc(self) -> tonic::Code {
                match self { $(Self::$name => tonic::Code::$grpc,)* }
            }

            /// A short sentence for people, the same for every problem of this code.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// The code that `text` stands for.
            pub fn from_text(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$name),)* _ => None }
            }
        }
    };
}

codes! {
    /// The request makes no sense as it stands.
    InvalidRequest = "invalid_request", 400, InvalidArgument, "The request is not valid";
    /// The body is not what the content type says.
    Malformed = "malformed", 400, InvalidArgument, "The request could not be read";
    /// A page cursor that this service did not give out.
    InvalidCursor = "invalid_cursor", 400, InvalidArgument, "The cursor is not one of ours";
    /// The caller has to say who it is.
    Unauthenticated = "unauthenticated", 401, Unauthenticated, "A token is needed";
    /// The bank said no.
    CardDeclined = "card_declined", 402, FailedPrecondition, "The card was declined";
    /// The bank said no for want of money.
    InsufficientFunds = "insufficient_funds", 402, FailedPrecondition, "The card has insufficient funds";
    /// The caller may not do this.
    Forbidden = "forbidden", 403, PermissionDenied, "This is not allowed";
    /// There is no such thing.
    NotFound = "not_found", 404, NotFound, "Not found";
    /// The product does not exist.
    UnknownSku = "unknown_sku", 404, NotFound, "There is no such product";
    /// The path exists, with other methods.
    MethodNotAllowed = "method_not_allowed", 405, Unimplemented, "The method is not allowed here";
    /// Not enough of a product is left.
    OutOfStock = "out_of_stock", 409, FailedPrecondition, "Not enough in stock";
    /// The thing is in a state that does not allow this.
    Conflict = "conflict", 409, FailedPrecondition, "The state does not allow this";
    /// The same request is being worked on.
    InProgress = "in_progress", 409, Aborted, "The same request is under way";
    /// Too late to commit a reservation: its time had run out.
    ReservationExpired = "reservation_expired", 409, FailedPrecondition, "The reservation had expired";
    /// A compensation came first; the late original is refused.
    Compensated = "compensated", 409, FailedPrecondition, "This was compensated already";
    /// The goods have left.
    AlreadyShipped = "already_shipped", 409, FailedPrecondition, "The goods have left already";
    /// The carrier does not go there.
    ShipmentRefused = "shipment_refused", 409, FailedPrecondition, "The shipment was refused";
    /// A value has changed since it was read.
    PreconditionFailed = "precondition_failed", 412, Aborted, "It has changed since it was read";
    /// The body is larger than allowed.
    TooLarge = "too_large", 413, ResourceExhausted, "The request is too large";
    /// The body is of a type that is not understood.
    UnsupportedMediaType = "unsupported_media_type", 415, InvalidArgument, "The content type is not supported";
    /// An idempotency key came back with another request.
    KeyReused = "idempotency_key_reused", 422, InvalidArgument, "The idempotency key was used for another request";
    /// A precondition that the endpoint asks for is missing.
    PreconditionRequired = "precondition_required", 428, FailedPrecondition, "A precondition is required";
    /// The headers are larger than allowed.
    HeadersTooLarge = "headers_too_large", 431, ResourceExhausted, "The headers are too large";
    /// An error of ours.
    Internal = "internal", 500, Internal, "The service failed";
    /// Something behind this service answered nonsense.
    BadGateway = "bad_gateway", 502, Unavailable, "The service behind gave no proper answer";
    /// Something behind this service cannot be reached; nothing happened.
    DependencyUnavailable = "dependency_unavailable", 503, Unavailable, "A service behind this one is not available";
    /// Messages were asked for, and there is no broker; nothing happened.
    CoordinationUnavailable = "coordination_unavailable", 503, Unavailable, "This coordination needs a message broker";
    /// This service takes no work at present; nothing happened.
    Unavailable = "unavailable", 503, Unavailable, "The service is not available";
    /// The time was up before the work began; nothing happened.
    DeadlineExceeded = "deadline_exceeded", 504, DeadlineExceeded, "The time was up before the work began";
    /// The time was up with the outcome open.
    OutcomeUnknown = "outcome_unknown", 504, DeadlineExceeded, "The outcome is not known yet";
}

impl Code {
    /// Whether the work may have happened when a callee reports this.
    pub const fn effect(self) -> Effect {
        match self {
            Self::OutcomeUnknown | Self::Internal | Self::BadGateway => Effect::Unknown,
            _ => Effect::None,
        }
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A [`Problem`] as RFC 9457 writes it: `application/problem+json`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ProblemJson {
    /// `urn:tradewind:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code's title.
    pub title: String,
    /// The HTTP status again, for whoever sees the body alone.
    pub status: u16,
    /// What was wrong, where, and what to do.
    pub detail: String,
    /// The code, for programs.
    pub code: String,
    /// The fields at fault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    /// The resource that tells how it went on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The trace to look for in log and viewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

impl ProblemJson {
    /// The problem as JSON, with the trace it happened in.
    pub fn new(problem: &Problem, trace_id: Option<String>) -> Self {
        Self {
            kind: format!("urn:tradewind:problem:{}", problem.code),
            title: problem.code.title().to_owned(),
            status: problem.code.status(),
            detail: problem.detail.clone(),
            code: problem.code.as_str().to_owned(),
            faults: problem.faults.clone(),
            resource: problem.resource.clone(),
            trace_id,
        }
    }

    /// The problem that it stands for; `None` where the code is none of ours.
    pub fn into_problem(self) -> Option<Problem> {
        let code = Code::from_text(&self.code)?;
        Some(Problem { code, detail: self.detail, faults: self.faults, resource: self.resource })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_survives_the_trip_through_json() {
        for code in Code::ALL {
            let problem = Problem {
                code: *code,
                detail: "what was wrong".into(),
                faults: vec![Fault {
                    field: "lines[0].quantity".into(),
                    message: "must be at least 1".into(),
                }],
                resource: Some("/orders/1".into()),
            };
            let text = serde_json::to_string(&ProblemJson::new(&problem, None)).expect("serialises");
            let back: ProblemJson = serde_json::from_str(&text).expect("reads back");
            assert_eq!(back.into_problem(), Some(problem));
        }
    }

    #[test]
    fn a_failure_with_unknown_outcome_is_never_reported_as_nothing_happened() {
        let failure = RemoteFailure {
            operation: "payments.capture".into(),
            wire: "rest".into(),
            reason: RemoteReason::TimedOut,
            effect: Effect::Unknown,
            detail: String::new(),
        };
        assert_eq!(PortError::from(failure).into_problem().code, Code::OutcomeUnknown);
    }

    #[test]
    fn only_what_the_callee_will_say_again_is_a_decision() {
        let problem = |code| PortError::from(Problem::new(code, ""));
        for code in [Code::CardDeclined, Code::OutOfStock, Code::NotFound, Code::Compensated, Code::Conflict]
        {
            assert!(problem(code).is_decision(), "{code}");
        }
        for code in [Code::Unavailable, Code::DeadlineExceeded, Code::InProgress, Code::BadGateway] {
            assert!(!problem(code).is_decision(), "{code}");
        }
        for code in Code::ALL.iter().filter(|code| code.effect() == Effect::Unknown) {
            assert!(!problem(*code).is_decision(), "{code}: its outcome is open");
        }
        for effect in [Effect::None, Effect::Unknown] {
            let failure = RemoteFailure {
                operation: "payments.capture".into(),
                wire: "rest".into(),
                reason: RemoteReason::Broken,
                effect,
                detail: String::new(),
            };
            assert!(!PortError::from(failure).is_decision(), "nobody decided anything");
        }
    }

    #[test]
    fn what_the_log_keeps_is_not_told_to_the_client() {
        let failure = RemoteFailure {
            operation: "payments.authorize".into(),
            wire: "rest".into(),
            reason: RemoteReason::Unreachable,
            effect: Effect::None,
            detail: "http://10.0.0.7:8103: connection refused".into(),
        };
        assert!(failure.to_string().contains("10.0.0.7"), "the log's text: {failure}");
        let problem = PortError::from(failure).into_problem();
        assert_eq!(
            problem,
            Problem::new(Code::DependencyUnavailable, "payments.authorize: could not connect")
        );
    }
}
