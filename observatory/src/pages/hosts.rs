//! Who may ask: only by names that no other site can have.
//!
//! A page of another site cannot read what is here, unless its own name is made to lead here after it was loaded ("DNS
//! rebinding"). Then its requests name its host, and not this one.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

/// The names by which pages may be asked for, besides `localhost` and addresses.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hosts(Arc<HashSet<String>>);

impl Hosts {
    pub(crate) fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self(Arc::new(names.into_iter().map(|name| name.to_ascii_lowercase()).collect()))
    }

    /// Whether one of ours is named; a port may follow.
    fn allow(&self, named: &str) -> bool {
        let Ok(authority) = named.parse::<Authority>() else { return false };
        let name = authority.host().trim_end_matches('.').to_ascii_lowercase();
        let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        address.is_ok() || name == "localhost" || name.ends_with(".localhost") || self.0.contains(&name)
    }

    fn allow_all(&self, request: &Request) -> bool {
        // HTTP/2 names the host in the place of the address, HTTP/1 in a header, and whoever names two means no good
        let of_header = request.headers().get_all(header::HOST).iter();
        let of_header = of_header.map(|host| host.to_str().unwrap_or_default());
        let mut named =
            request.uri().authority().map(Authority::as_str).into_iter().chain(of_header).peekable();
        named.peek().is_some() && named.all(|host| self.allow(host))
    }
}

/// Lets a request pass that names one of ours.
pub(super) async fn check(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    if hosts.allow_all(&request) {
        return next.run(request).await;
    }
    let words =
        "by this name nothing is shown here: ask for localhost or an address, or start with --host NAME\n";
    (StatusCode::MISDIRECTED_REQUEST, words).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_localhost_and_what_is_configured_may_be_asked() {
        let hosts = Hosts::new(["Observatory.Internal".to_owned()]);
        let allowed = [
            "localhost",
            "localhost:16686",
            "LOCALHOST.",
            "shop.localhost:16686",
            "127.0.0.1:16686",
            "192.168.1.7",
            "[::1]:16686",
            "[::1]",
            "observatory.internal:80",
        ];
        for host in allowed {
            assert!(hosts.allow(host), "{host}");
        }
        for host in [
            "example.com",
            "localhost.example.com",
            "127.0.0.1.example.com",
            "notlocalhost",
            "",
            "a b",
            "internal",
        ] {
            assert!(!hosts.allow(host), "{host}");
        }
    }
}
