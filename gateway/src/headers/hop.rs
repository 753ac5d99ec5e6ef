//! Hop-by-hop headers (RFC 9110, section 7.6.1): they concern one connection and are not passed on.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// Those that need not be named in `Connection`.
const KNOWN: [HeaderName; 7] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Takes all of them away. `TE: trailers` stays, because what it asks for holds from end to end.
pub(crate) fn strip(headers: &mut HeaderMap) {
    let wants_trailers = lists(headers, &header::TE, "trailers");
    let named: Vec<HeaderName> =
        items(headers, &header::CONNECTION).filter_map(|name| name.parse().ok()).collect();
    for name in named.iter().chain(&KNOWN).chain([&header::TE]) {
        headers.remove(name);
    }
    if wants_trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
}

/// Whether a header that is a list of tokens has `token` in it.
pub(crate) fn lists(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    items(headers, name).any(|item| item.eq_ignore_ascii_case(token))
}

/// The tokens of a header that is a list of them, without their parameters.
pub(crate) fn items<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|item| item.split(';').next().unwrap_or_default().trim())
        .filter(|item| !item.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripped(pairs: &[(&str, &str)]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        strip(&mut headers);
        headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect()
    }

    #[test]
    fn what_concerns_one_connection_goes_and_the_rest_stays() {
        let left = stripped(&[
            ("connection", "close, X-Hop"),
            ("connection", "x-other-hop"),
            ("x-hop", "1"),
            ("x-other-hop", "1"),
            ("keep-alive", "timeout=5"),
            ("proxy-authorization", "secret"),
            ("proxy-authenticate", "Basic"),
            ("proxy-connection", "keep-alive"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("te", "gzip, deflate;q=0.5"),
            ("accept", "text/html"),
        ]);
        assert_eq!(left, ["accept: text/html"]);
    }

    #[test]
    fn the_wish_for_trailers_is_passed_on_and_nothing_else_of_te() {
        assert_eq!(stripped(&[("te", "gzip;q=0.5, Trailers")]), ["te: trailers"]);
        assert_eq!(stripped(&[("te", "trailers"), ("connection", "TE")]), ["te: trailers"]);
    }

    #[test]
    fn nonsense_in_connection_takes_nothing_with_it() {
        assert_eq!(stripped(&[("connection", "@@, ,,\"x\""), ("accept", "*/*")]), ["accept: */*"]);
    }
}
