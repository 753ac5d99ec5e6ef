//! Answers as Consul gives them.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::error::Refusal;
use crate::store::Indexed;

/// What a handler returns.
pub(super) type Answer<T = Response> = Result<T, Refusal>;

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Bad(_) => StatusCode::BAD_REQUEST,
            Self::Missing(_) => StatusCode::NOT_FOUND,
            Self::NoToken | Self::WrongToken => StatusCode::FORBIDDEN,
            Self::Full(_) => StatusCode::INSUFFICIENT_STORAGE,
            Self::Busy => StatusCode::TOO_MANY_REQUESTS,
            Self::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, self.to_string()).into_response()
    }
}

/// The headers of a read: its index, and that this single node is up to date with itself.
pub(super) fn headers(index: u64) -> [(&'static str, String); 3] {
    [
        ("X-Consul-Index", index.to_string()),
        ("X-Consul-KnownLeader", "true".to_owned()),
        ("X-Consul-LastContact", "0".to_owned()),
    ]
}

impl<T: Serialize> IntoResponse for Indexed<T> {
    fn into_response(self) -> Response {
        (headers(self.index), Json(self.value)).into_response()
    }
}
