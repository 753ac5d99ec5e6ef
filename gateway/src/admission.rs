//! What is refused before any route is looked at: requests that two readers could read in two ways.

use contracts::{Code, Problem};
use http::Version;
use http::header::{self, HeaderMap};
use http::request::Parts;
use http::uri::Authority;

use crate::headers::hop;
use crate::refusal::{Language, Refused};
use crate::routes::{Protocol, Route};

/// The host that the request is meant for, where its version names one. Refuses what is ambiguous.
pub(crate) fn host(parts: &Parts) -> Result<Option<Authority>, Problem> {
    let problem = |detail: String| Problem::new(Code::InvalidRequest, detail);
    // an absolute target, or HTTP/2's `:authority`, counts more than `Host` (RFC 9112, section 3.2.2)
    if let Some(authority) = parts.uri.authority() {
        return Ok(Some(authority.clone()));
    }
    let mut named = parts.headers.get_all(header::HOST).into_iter();
    match (named.next(), named.next()) {
        (Some(_), Some(_)) => Err(problem("send one Host header, not several".into())),
        (None, _) if parts.version == Version::HTTP_11 => Err(problem("HTTP/1.1 needs a Host header".into())),
        (None, _) => Ok(None),
        (Some(value), None) => match Authority::try_from(value.as_bytes()) {
            Ok(host) => Ok(Some(host)),
            Err(_) => Err(problem("the Host header is not a host".into())),
        },
    }
}

/// Refuses paths whose meaning depends on who decodes them: a segment that is or hides `.`, `..`, a
/// slash, a backslash or a control character, and broken percent-encoding.
pub(crate) fn path(path: &str) -> Result<(), Problem> {
    let refuse =
        |why: &str| Err(Problem::new(Code::InvalidRequest, format!("the path must not contain {why}")));
    for segment in path.split('/') {
        let Some(decoded) = decode(segment) else { return refuse("broken percent-encoding") };
        if decoded == b"." || decoded == b".." {
            return refuse("the segments . and ..");
        }
        if decoded.iter().any(|byte| matches!(byte, b'/' | b'\\')) {
            return refuse("an encoded slash or a backslash");
        }
        if decoded.iter().any(u8::is_ascii_control) {
            return refuse("control characters");
        }
    }
    Ok(())
}

fn decode(segment: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(segment.len());
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            plain => plain,
        });
    }
    Some(decoded)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Refuses to change protocols. `h2c` is an offer that a server may overlook, so that it is overlooked;
/// whoever asks for a WebSocket can do nothing with another answer.
pub(crate) fn upgrade(headers: &HeaderMap) -> Result<(), Problem> {
    let wanted: Vec<_> = hop::items(headers, &header::UPGRADE)
        .filter(|protocol| !protocol.eq_ignore_ascii_case("h2c"))
        .collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let detail =
        format!("this gateway does not switch to {}; send the request without Upgrade", wanted.join(", "));
    Err(Problem::new(Code::InvalidRequest, detail))
}

/// Refuses a request in another protocol than its route's.
pub(crate) fn protocol(headers: &HeaderMap, route: &Route) -> Result<(), Problem> {
    let problem = |detail: String| Err(Problem::new(Code::UnsupportedMediaType, detail));
    match (route.protocol(), Language::of(headers)) {
        (Protocol::Http, Language::Http) | (Protocol::Grpc, Language::Grpc) => Ok(()),
        (Protocol::Grpc, Language::Http) => problem(format!("{} speaks gRPC only", route.config().path)),
        (Protocol::Http, Language::Grpc) => problem(format!("{} does not speak gRPC", route.config().path)),
    }
}

/// Refuses a body that says of itself that it is larger than `limit`.
pub(crate) fn length(headers: &HeaderMap, limit: u64) -> Result<(), Refused> {
    let length =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > limit) { Err(Refused::too_large(limit)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_could_be_read_in_two_ways_is_refused() {
        for bad in [
            "/api/../orders",
            "/api/./orders",
            "/api/%2e%2e/orders",
            "/api/.%2E/orders",
            "/api/products/a%2fb",
            "/api/products/a%5Cb",
            "/api/products/a%00",
            "/api/products/a%0d%0aHost:x",
            "/api/products/%zz",
            "/api/products/%4",
        ] {
            assert!(path(bad).is_err(), "{bad}");
        }
        for good in
            ["/", "/api/products/KETTLE-1", "/api/products/caf%C3%A9%20au%20lait", "/api/products/..."]
        {
            assert!(path(good).is_ok(), "{good}");
        }
    }
}
