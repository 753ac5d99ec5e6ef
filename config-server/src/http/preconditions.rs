//! Conditional requests (RFC 9110, section 13).

use axum::http::{HeaderMap, HeaderName, header};
use contracts::{Code, Problem};

/// Whether the client has what `etag` stands for already.
pub(super) fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    // weak comparison: a cache may have weakened the tag
    tags(headers, &header::IF_NONE_MATCH).iter().any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}

/// The ETags that a change may meet.
pub(super) fn required(headers: &HeaderMap) -> Result<Vec<String>, Problem> {
    let tags = tags(headers, &header::IF_MATCH);
    if tags.is_empty() {
        let detail = "a change needs the header If-Match with the ETag of what you read (GET …/effective)";
        return Err(Problem::new(Code::PreconditionRequired, detail));
    }
    Ok(tags)
}

/// The ETags that a change may meet, where the client names any.
pub(super) fn optional(headers: &HeaderMap) -> Option<Vec<String>> {
    Some(tags(headers, &header::IF_MATCH)).filter(|tags| !tags.is_empty())
}

fn tags(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    // our tags hold no commas
    values
        .flat_map(|value| value.split(','))
        .map(|tag| tag.trim().to_owned())
        .filter(|tag| !tag.is_empty())
        .collect()
}
