//! A response's headers as they go back to the client.

use http::Version;
use http::header::{self, HeaderMap, HeaderValue};
use http::uri::{Authority, Uri};

use super::{forwarding, hop};
use crate::routes::RouteTable;

/// The service that answered.
pub(crate) struct Answerer<'a> {
    /// Its name.
    pub service: &'a str,
    /// The address of its instance; nothing for one in this process.
    pub address: Option<&'a Authority>,
    /// The version in which it answered.
    pub version: Version,
}

/// Takes away what concerned the connection to the service, and gives the service's paths the names
/// that the client knows them by.
pub(crate) fn inbound(headers: &mut HeaderMap, from: &Answerer<'_>, table: &RouteTable) {
    hop::strip(headers);
    forwarding::add_via(headers, from.version);
    for name in [header::LOCATION, header::CONTENT_LOCATION] {
        let public = headers.get(&name).and_then(|value| public_address(value, from, table));
        if let Some(public) = public {
            headers.insert(name, public);
        }
    }
}

/// The public address of a service's own; `None` where it points elsewhere, or at nothing public.
fn public_address(value: &HeaderValue, from: &Answerer<'_>, table: &RouteTable) -> Option<HeaderValue> {
    let text = value.to_str().ok()?;
    let (address, fragment) = text.split_at(text.find('#').unwrap_or(text.len()));
    let uri: Uri = address.parse().ok()?;
    if uri.authority().is_some_and(|authority| Some(authority) != from.address) {
        return None;
    }
    let path = table.public_path(from.service, uri.path())?;
    let query = uri.query().map_or_else(String::new, |query| format!("?{query}"));
    HeaderValue::from_str(&format!("{path}{query}{fragment}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::public_api;

    #[test]
    fn a_location_becomes_the_public_one() {
        let table = RouteTable::compile(&public_api()).unwrap();
        let address = Authority::from_static("127.0.0.1:7001");
        let from = Answerer { service: "orders", address: Some(&address), version: Version::HTTP_11 };
        for (own, public) in [
            ("/orders/17", "/api/orders/17"),
            ("/orders/17/timeline?from=2#end", "/api/orders/17/timeline?from=2#end"),
            ("http://127.0.0.1:7001/orders/17", "/api/orders/17"),
            // somebody else's, not public, or not an address at all: left as they are
            ("http://elsewhere.test/orders/17", "http://elsewhere.test/orders/17"),
            ("/audit/orders", "/audit/orders"),
            ("\\ nonsense", "\\ nonsense"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::LOCATION, own.parse().unwrap());
            inbound(&mut headers, &from, &table);
            assert_eq!(headers[header::LOCATION], public);
        }
    }
}
