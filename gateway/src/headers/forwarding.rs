//! Who asked, and by which way: `Forwarded` (RFC 7239) and `Via` (RFC 9110, section 7.6.3).

use std::net::IpAddr;

use http::Version;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::Authority;

/// Older names for what `Forwarded` says. Nobody before us is trusted, and a service must not find a
/// client's own claim where it might look.
const OLDER: [HeaderName; 5] = [
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-forwarded-port"),
    HeaderName::from_static("x-real-ip"),
];

/// Adds our element to the list in `Forwarded`: the last one is ours, those before it are hearsay.
pub(crate) fn add_forwarded(headers: &mut HeaderMap, client: Option<IpAddr>, host: Option<&Authority>) {
    for name in OLDER {
        headers.remove(name);
    }
    let client = match client {
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => format!("\"[{address}]\""),
        None => "unknown".to_owned(),
    };
    let host = host.map_or_else(String::new, |host| format!(";host=\"{}\"", without_user(host)));
    // an authority has neither quotes nor control characters, so this always is a value
    if let Ok(value) = HeaderValue::from_str(&format!("for={client}{host};proto=http")) {
        headers.append(header::FORWARDED, value);
    }
}

/// Adds this gateway to the list in `Via`, with the version in which the message came to it.
pub(crate) fn add_via(headers: &mut HeaderMap, version: Version) {
    let value = match version {
        Version::HTTP_2 => HeaderValue::from_static("2 tradewind-gateway"),
        Version::HTTP_10 => HeaderValue::from_static("1.0 tradewind-gateway"),
        _ => HeaderValue::from_static("1.1 tradewind-gateway"),
    };
    headers.append(header::VIA, value);
}

fn without_user(authority: &Authority) -> &str {
    authority.as_str().rsplit('@').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_added_after_those_that_are_there() {
        let mut headers = HeaderMap::new();
        headers.append(header::FORWARDED, HeaderValue::from_static("for=10.0.0.1"));
        headers.append("x-forwarded-for", HeaderValue::from_static("6.6.6.6"));
        add_forwarded(
            &mut headers,
            Some([127, 0, 0, 1].into()),
            Some(&Authority::from_static("shop.test:8080")),
        );
        let all: Vec<_> = headers.get_all(header::FORWARDED).into_iter().collect();
        assert_eq!(all, ["for=10.0.0.1", "for=127.0.0.1;host=\"shop.test:8080\";proto=http"]);
        assert!(!headers.contains_key("x-forwarded-for"));
    }

    #[test]
    fn an_ipv6_address_is_quoted_as_the_rfc_asks() {
        let mut headers = HeaderMap::new();
        add_forwarded(&mut headers, Some("2001:db8::1".parse().unwrap()), None);
        assert_eq!(headers[header::FORWARDED], "for=\"[2001:db8::1]\";proto=http");
    }
}
