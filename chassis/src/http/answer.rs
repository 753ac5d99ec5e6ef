//! What a handler answers with.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use contracts::{PortError, PortResult, Problem};

/// A reply in JSON, or a problem.
pub type Answer<T> = Result<Json<T>, Refusal>;

/// A problem on its way out. The [`super::problems`] layer writes its body.
#[derive(Debug)]
pub struct Refusal(pub Problem);

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<PortError> for Refusal {
    fn from(error: PortError) -> Self {
        Self(error.into_problem())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        response.extensions_mut().insert(self.0);
        response
    }
}

/// What a port said, as an answer: 200, or the problem.
pub fn answer<T>(result: PortResult<T>) -> Answer<T> {
    Ok(Json(result?))
}

/// 201 with the address of what was made.
#[derive(Debug)]
pub struct Created<T> {
    location: String,
    body: T,
}

/// What a port made, as an answer: 201 with its address, or the problem.
pub fn created<T>(result: PortResult<T>, location: impl Fn(&T) -> String) -> Result<Created<T>, Refusal> {
    let body = result?;
    Ok(Created { location: location(&body), body })
}

impl<T: serde::Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let mut response = (StatusCode::CREATED, Json(self.body)).into_response();
        if let Ok(location) = HeaderValue::from_str(&self.location) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}
