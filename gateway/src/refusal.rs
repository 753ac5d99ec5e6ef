//! What the client is told when there is no response to pass on: a problem in its own language, with the
//! name of the service and the reason.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use chassis::http::Refusal;
use contracts::grpc::status::to_status;
use contracts::{Code, Kind, Problem};
use http::header::{self, HeaderMap, HeaderValue};

use crate::routes::Method;
use crate::upstream::{Sent, UpstreamError};

/// What to say of a request that may have changed something.
const UNKNOWN: &str =
    "whether it happened is not known: ask before you repeat it, or repeat it with the same Idempotency-Key";

/// A refusal on its way out.
#[derive(Debug)]
pub(crate) struct Refused {
    problem: Box<Problem>,
    extra: Option<(header::HeaderName, HeaderValue)>,
}

/// What the client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// Problems in JSON.
    Http,
    /// Statuses.
    Grpc,
}

impl Language {
    /// What a request with these headers expects.
    pub fn of(headers: &HeaderMap) -> Self {
        let kind = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        match kind.strip_prefix(b"application/grpc") {
            // `application/grpc-web` is another protocol, which browsers speak and services do not
            Some([] | [b'+' | b';', ..]) => Self::Grpc,
            _ => Self::Http,
        }
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self { problem: problem.into(), extra: None }
    }
}

impl Refused {
    /// There is nothing public at this path.
    pub fn unknown(method: &http::Method, path: &str) -> Self {
        let detail = format!("there is nothing public at {method} {path}; GET /api lists what there is");
        Problem::new(Code::NotFound, detail).into()
    }

    /// The path is public, with other methods.
    pub fn method(method: &http::Method, path: &str, allowed: &[Method]) -> Self {
        let mut names: Vec<_> = allowed.iter().map(|method| method.as_str()).collect();
        if allowed.contains(&Method::Get) {
            names.push("HEAD");
        }
        let names = names.join(", ");
        let problem = Problem::new(Code::MethodNotAllowed, format!("{path} takes {names}, not {method}"));
        Self {
            problem: problem.into(),
            extra: HeaderValue::from_str(&names).ok().map(|names| (header::ALLOW, names)),
        }
    }

    /// The body is larger than allowed.
    pub fn too_large(limit: u64) -> Self {
        Problem::new(Code::TooLarge, format!("the body is larger than {limit} bytes")).into()
    }

    /// The client broke off in the middle of its own request: nobody reads this.
    pub fn abandoned() -> Self {
        Problem::new(Code::Malformed, "the body ended before its end").into()
    }

    /// No instance of `service` is known; one may be in a moment.
    pub fn no_instance(service: &str, pause: Duration) -> Self {
        Self::away(format!("{service}: no instance is known at present"), pause)
    }

    /// No instance of `service` could be connected to; one may be in a moment.
    pub fn unreachable(service: &str, pause: Duration) -> Self {
        Self::away(format!("{service}: no instance could be connected to; nothing was sent"), pause)
    }

    /// There was no response from `service` to a request of this kind, which had `budget` for it.
    pub fn failed(service: &str, error: &UpstreamError, kind: Kind, budget: Duration) -> Self {
        let outcome = if kind == Kind::Read { "the request changes nothing" } else { UNKNOWN };
        let (code, reason) = match (error, kind) {
            (UpstreamError::Unreachable(_), _) => {
                (Code::DependencyUnavailable, "it could not be connected to; nothing was sent".to_owned())
            }
            (UpstreamError::TimedOut(Sent::Nothing), _) => {
                (Code::DeadlineExceeded, format!("no connection within {budget:.1?}; nothing was sent"))
            }
            (UpstreamError::TimedOut(Sent::Perhaps), Kind::Read) => {
                (Code::DeadlineExceeded, format!("no answer within {budget:.1?}; {outcome}"))
            }
            (UpstreamError::TimedOut(Sent::Perhaps), _) => {
                (Code::OutcomeUnknown, format!("no answer within {budget:.1?}; {outcome}"))
            }
            (UpstreamError::Broken(_), _) => {
                (Code::BadGateway, format!("the connection broke before it answered; {outcome}"))
            }
            (UpstreamError::Garbled(_), _) => {
                (Code::BadGateway, format!("its answer is not HTTP; {outcome}"))
            }
        };
        Problem::new(code, format!("{service}: {reason}")).into()
    }

    fn away(detail: String, pause: Duration) -> Self {
        let seconds = pause.as_millis().div_ceil(1000).max(1);
        let wait = HeaderValue::from(u64::try_from(seconds).unwrap_or(u64::MAX));
        Self {
            problem: Problem::new(Code::DependencyUnavailable, detail).into(),
            extra: Some((header::RETRY_AFTER, wait)),
        }
    }

    /// The response that says so.
    pub fn into_response(self, language: Language) -> Response {
        let mut response = match language {
            Language::Http => Refusal(*self.problem).into_response(),
            Language::Grpc => {
                let mut response = to_status(&self.problem).into_http::<Body>();
                let kind = HeaderValue::from_static("application/grpc");
                response.headers_mut().insert(header::CONTENT_TYPE, kind);
                response
            }
        };
        response.headers_mut().extend(self.extra);
        response
    }

    /// The status over HTTP, for the measurements.
    pub fn status(&self) -> http::StatusCode {
        http::StatusCode::from_u16(self.problem.code.status())
            .unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR)
    }
}
