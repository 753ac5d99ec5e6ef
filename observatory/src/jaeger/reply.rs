//! Answers and refusals in Jaeger's envelope.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::view::TraceId;
use crate::params::BadParam;
use crate::store::Interrupted;

/// What every answer is wrapped in.
#[derive(Debug, Serialize)]
pub(super) struct Envelope<T> {
    data: T,
    total: usize,
    limit: usize,
    offset: usize,
    errors: Option<Vec<Problem>>,
}

/// What was not as it should be.
#[derive(Debug, Serialize)]
pub(super) struct Problem {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    msg: String,
    #[serde(rename = "traceID", skip_serializing_if = "Option::is_none")]
    trace_id: Option<TraceId>,
}

impl Problem {
    /// One of several traces is not there.
    pub(super) fn missing(id: u128) -> Self {
        Self { code: None, msg: NOT_FOUND.to_owned(), trace_id: Some(TraceId(id)) }
    }

    /// Not all that was found fits into an answer.
    pub(super) fn cut(told: usize, found: usize) -> Self {
        let msg =
            format!("{found} traces were found, and the newest {told} fit into an answer; ask for less");
        Self { code: None, msg, trace_id: None }
    }
}

const NOT_FOUND: &str = "trace not found";

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// It makes no sense.
    #[error("{0}")]
    Bad(String),
    /// A parameter makes no sense.
    #[error(transparent)]
    Param(#[from] BadParam),
    /// There is no such trace.
    #[error("{NOT_FOUND}")]
    NotFound,
    /// The work for it was broken off.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// The answer cannot be written.
    #[error("the answer cannot be written as JSON")]
    Unwritable(#[from] serde_json::Error),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Bad(_) | Self::Param(_) => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Interrupted(_) | Self::Unwritable(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let problem = Problem { code: Some(status.as_u16()), msg: self.to_string(), trace_id: None };
        let envelope = Envelope { data: (), total: 0, limit: 0, offset: 0, errors: Some(vec![problem]) };
        (status, axum::Json(envelope)).into_response()
    }
}

/// A list, with how long it is.
pub(super) fn list<T: Serialize>(data: &[T]) -> Result<Response, Refusal> {
    written(&Envelope { data, total: data.len(), limit: 0, offset: 0, errors: None })
}

/// Data of any shape, with what could not be had of it. Jaeger does not count it.
pub(super) fn data(data: impl Serialize, problems: Vec<Problem>) -> Result<Response, Refusal> {
    let errors = (!problems.is_empty()).then_some(problems);
    written(&Envelope { data, total: 0, limit: 0, offset: 0, errors })
}

fn written(envelope: &impl Serialize) -> Result<Response, Refusal> {
    let body = serde_json::to_vec(envelope)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}
