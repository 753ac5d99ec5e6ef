//! The guard before every control API: the control plane is closed.
//!
//! A web page that someone happens to visit can make their browser send requests to loopback
//! addresses, and can point a name of its own there (DNS rebinding). So the guard lets in only requests
//! whose `Host` is loopback or configured, and none that a foreign page has caused. Whoever changes
//! something shows the operator token as well.

use std::hint::black_box;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use contracts::{Code, Problem};

use crate::http::Refusal;

/// What is told where no token opens anything.
pub const NO_OPERATOR: &str = "no operator token is configured here: nobody changes anything, and nobody from another \
     machine looks into a process";

/// Who may make changes at an endpoint. Reading is open to whoever passes `Host` and `Origin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changes {
    /// Whoever holds the operator token.
    ByOperator,
    /// Services, which hold no token: any request that no browser has sent.
    ByServices,
}

/// The rules of one control plane. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Guard(Arc<Rules>);

struct Rules {
    token: Option<String>,
    hosts: Vec<String>,
    origins: Vec<String>,
}

impl std::fmt::Debug for Rules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rules")
            .field("hosts", &self.hosts)
            .field("origins", &self.origins)
            .finish_non_exhaustive()
    }
}

impl Guard {
    /// A guard who knows this operator token. Without one nobody can change anything.
    pub fn new(token: Option<String>) -> Self {
        let token = token.filter(|token| !token.is_empty());
        Self(Arc::new(Rules { token, hosts: Vec::new(), origins: Vec::new() }))
    }

    /// The same guard, with hosts to let in besides loopback: the names and addresses under which other
    /// machines reach this one. One that is given with a port is let in with that port alone.
    pub fn with_hosts(self, hosts: impl IntoIterator<Item = String>) -> Self {
        let hosts = hosts.into_iter().map(|host| without_brackets(&host).to_ascii_lowercase()).collect();
        Self(Arc::new(Rules { token: self.0.token.clone(), hosts, origins: self.0.origins.clone() }))
    }

    /// The same guard, with origins (`https://ops.example`) whose pages may send requests.
    pub fn with_origins(self, origins: impl IntoIterator<Item = String>) -> Self {
        let origins = origins.into_iter().map(|origin| origin.to_ascii_lowercase()).collect();
        Self(Arc::new(Rules { token: self.0.token.clone(), hosts: self.0.hosts.clone(), origins }))
    }

    /// Puts the guard before every route of `router`. What it refuses is a [`Refusal`], whose body the
    /// [`problems`](crate::http::problems) layer writes.
    pub fn protect<S: Clone + Send + Sync + 'static>(
        &self,
        changes: Changes,
        router: Router<S>,
    ) -> Router<S> {
        router.layer(from_fn_with_state((self.clone(), changes), admit))
    }

    /// Decides on one request.
    pub fn check(
        &self,
        changes: Changes,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<(), Problem> {
        let host = self.check_host(uri, headers)?;
        self.check_origin(&host, headers)?;
        if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
            return Ok(());
        }
        match changes {
            Changes::ByOperator => self.check_token(headers),
            Changes::ByServices => check_no_browser(headers),
        }
    }

    fn check_host(&self, uri: &Uri, headers: &HeaderMap) -> Result<String, Problem> {
        // HTTP/2 says it in the request line, HTTP/1.1 in a header
        let in_uri = uri.authority().map(|authority| authority.as_str());
        let mut in_headers = headers.get_all(header::HOST).iter().map(HeaderValue::to_str);
        let in_header = in_headers.next().and_then(Result::ok);
        let host = match (in_uri, in_header) {
            _ if in_headers.next().is_some() => None,
            (Some(uri), Some(header)) if !uri.eq_ignore_ascii_case(header) => None,
            (uri, header) => uri.or(header),
        };
        let host = host.ok_or_else(|| refuse("the request does not say one Host that it is for"))?;
        let host = host.to_ascii_lowercase();
        let name = name_of(&host);
        if is_loopback(name) || self.0.hosts.iter().any(|known| known == name || *known == host) {
            return Ok(host);
        }
        Err(refuse(format!(
            "Host {host:?} is neither a loopback address nor one that this control API is configured for"
        )))
    }

    fn check_origin(&self, host: &str, headers: &HeaderMap) -> Result<(), Problem> {
        let origin = headers
            .get(header::ORIGIN)
            .map(|origin| origin.to_str().unwrap_or("unreadable").to_ascii_lowercase());
        if let Some(origin) = &origin {
            if self.0.origins.contains(origin) {
                return Ok(());
            }
            if origin.split_once("://").map(|(_, authority)| authority) != Some(host) {
                return Err(refuse(format!(
                    "Origin {origin:?} is foreign: a page from there may not reach this control API"
                )));
            }
        }
        // links and images carry no Origin; browsers say where those come from in this header
        match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
            None | Some(b"same-origin" | b"none") => Ok(()),
            Some(_) => Err(refuse("a page from another site caused this request (Sec-Fetch-Site)")),
        }
    }

    /// Whether a request shows the operator token.
    pub fn check_token(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(token) = &self.0.token else {
            return Err(unauthenticated(NO_OPERATOR));
        };
        let shown = headers.get(header::AUTHORIZATION).and_then(|value| {
            let (scheme, token) = value.as_bytes().split_at_checked(7)?;
            scheme.eq_ignore_ascii_case(b"bearer ").then_some(token.trim_ascii())
        });
        match shown {
            None => {
                Err(unauthenticated("this needs the operator token, in the header Authorization: Bearer"))
            }
            Some(shown) if equal(shown, token.as_bytes()) => Ok(()),
            Some(_) => Err(unauthenticated("this is not the operator token")),
        }
    }
}

async fn admit(State((guard, changes)): State<(Guard, Changes)>, request: Request, next: Next) -> Response {
    match guard.check(changes, request.method(), request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => {
            let (method, path) = (request.method(), request.uri().path());
            tracing::warn!(%method, path, code = %problem.code, "refused {method} {path}: {}", problem.detail);
            let challenge = problem.code == Code::Unauthenticated;
            let mut response = Refusal(problem).into_response();
            if challenge {
                let scheme = HeaderValue::from_static("Bearer realm=\"operator\"");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
            }
            response
        }
    }
}

fn refuse(detail: impl Into<String>) -> Problem {
    Problem::new(Code::Forbidden, detail)
}

fn unauthenticated(detail: &str) -> Problem {
    Problem::new(Code::Unauthenticated, detail)
}

/// A service is no browser, and says so by what it does not send.
fn check_no_browser(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.contains_key(header::ORIGIN)
        || headers.keys().any(|name| name.as_str().starts_with("sec-fetch-"))
    {
        return Err(refuse("this endpoint is for services, not for browsers"));
    }
    Ok(())
}

/// The host without its port: `[::1]:8888` is `::1`, and so is `::1`.
pub(crate) fn name_of(host: &str) -> &str {
    if host.parse::<Ipv6Addr>().is_ok() {
        return host;
    }
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    }
}

/// An IPv6 address as it is told to people, as those compare it who have taken it apart.
fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host)
}

fn is_loopback(name: &str) -> bool {
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Compares in a time that depends on the lengths alone, so that answering times give nothing away.
fn equal(a: &[u8], b: &[u8]) -> bool {
    let difference = a.iter().zip(b).fold(0, |sum, (a, b)| black_box(sum | (a ^ b)));
    a.len() == b.len() && black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(changes: Changes, method: Method, headers: &[(&str, &str)]) -> Result<(), Code> {
        let guard = Guard::new(Some("open sesame".into()))
            .with_hosts(["config.shop".into()])
            .with_origins(["https://ops.shop".into()]);
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")))
            .collect();
        guard.check(changes, &method, &Uri::from_static("/x"), &headers).map_err(|problem| problem.code)
    }

    fn read(headers: &[(&str, &str)]) -> Result<(), Code> {
        decide(Changes::ByOperator, Method::GET, headers)
    }

    fn change(headers: &[(&str, &str)]) -> Result<(), Code> {
        decide(Changes::ByOperator, Method::PUT, headers)
    }

    const HERE: (&str, &str) = ("host", "127.0.0.1:8888");

    #[test]
    fn loopback_and_configured_hosts_are_let_in() {
        for host in [
            "127.0.0.1:8888",
            "127.9.9.9",
            "localhost:1",
            "LOCALHOST",
            "[::1]:8888",
            "[::1]",
            "Config.Shop:8888",
        ] {
            assert_eq!(read(&[("host", host)]), Ok(()), "{host}");
        }
    }

    #[test]
    fn a_host_is_told_apart_from_its_port_in_every_notation() {
        for (host, name) in [
            ("orders", "orders"),
            ("orders:9000", "orders"),
            ("10.0.0.7:9000", "10.0.0.7"),
            ("[2001:db8::7]:9000", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("2001:db8::7", "2001:db8::7"),
        ] {
            assert_eq!(name_of(host), name);
        }
    }

    #[test]
    fn addresses_of_ipv6_are_let_in_however_they_were_told() {
        for told in ["2001:DB8::7", "[2001:db8::7]", "[2001:db8::7]:9000"] {
            let guard = Guard::new(None).with_hosts([told.to_owned()]);
            let asked = |host: &'static str| {
                let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))]);
                guard.check(Changes::ByOperator, &Method::GET, &Uri::from_static("/x"), &headers).is_ok()
            };
            assert!(asked("[2001:db8::7]:9000"), "{told}");
            assert!(!asked("[2001:db8::8]:9000"), "{told}");
            assert_eq!(asked("[2001:db8::7]:1"), !told.ends_with(":9000"), "{told}");
        }
    }

    #[test]
    fn any_other_host_is_refused() {
        for host in [
            "evil.example",
            "evil.example:8888",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "10.0.0.1",
            "",
        ] {
            assert_eq!(read(&[("host", host)]), Err(Code::Forbidden), "{host}");
        }
        assert_eq!(read(&[]), Err(Code::Forbidden), "none at all");
        assert_eq!(read(&[HERE, ("host", "evil.example")]), read(&[("host", "evil.example")]), "two of them");
    }

    #[test]
    fn a_host_in_the_request_line_counts_too() {
        let guard = Guard::new(None);
        let check =
            |uri, headers| guard.check(Changes::ByOperator, &Method::GET, &Uri::from_static(uri), &headers);
        assert!(check("http://127.0.0.1:8888/x", HeaderMap::new()).is_ok());
        assert!(check("http://evil.example/x", HeaderMap::new()).is_err());
        let here = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("127.0.0.1"))]);
        assert!(check("http://evil.example/x", here).is_err());
    }

    #[test]
    fn a_foreign_page_is_refused_even_for_reading() {
        for origin in ["https://evil.example", "http://localhost:3000", "null", "http://127.0.0.1:88880"] {
            assert_eq!(read(&[HERE, ("origin", origin)]), Err(Code::Forbidden), "{origin}");
        }
        for site in ["cross-site", "same-site"] {
            assert_eq!(read(&[HERE, ("sec-fetch-site", site)]), Err(Code::Forbidden), "{site}");
        }
        assert_eq!(
            change(&[HERE, ("origin", "https://evil.example"), ("authorization", "Bearer open sesame")]),
            Err(Code::Forbidden)
        );
    }

    #[test]
    fn its_own_and_configured_pages_are_let_in() {
        assert_eq!(
            read(&[HERE, ("origin", "http://127.0.0.1:8888"), ("sec-fetch-site", "same-origin")]),
            Ok(())
        );
        assert_eq!(read(&[HERE, ("sec-fetch-site", "none")]), Ok(()));
        assert_eq!(read(&[HERE, ("origin", "https://ops.shop"), ("sec-fetch-site", "cross-site")]), Ok(()));
    }

    #[test]
    fn a_change_needs_the_token() {
        assert_eq!(change(&[HERE]), Err(Code::Unauthenticated));
        for wrong in
            ["Bearer open sesam", "Bearer open sesame!", "Bearer ", "Basic open sesame", "open sesame"]
        {
            assert_eq!(change(&[HERE, ("authorization", wrong)]), Err(Code::Unauthenticated), "{wrong}");
        }
        assert_eq!(change(&[HERE, ("authorization", "bearer open sesame")]), Ok(()));
    }

    #[test]
    fn without_a_token_nobody_changes_anything() {
        for token in [None, Some(String::new())] {
            let guard = Guard::new(token);
            let headers = HeaderMap::from_iter([
                (header::HOST, HeaderValue::from_static("localhost")),
                (header::AUTHORIZATION, HeaderValue::from_static("Bearer ")),
            ]);
            let refused = guard.check(Changes::ByOperator, &Method::POST, &Uri::from_static("/x"), &headers);
            let refused = refused.expect_err("there is no operator");
            assert_eq!((refused.code, refused.detail.as_str()), (Code::Unauthenticated, NO_OPERATOR));
        }
    }

    #[test]
    fn services_need_no_token_but_no_page_may_speak_for_them() {
        let report = |headers: &[_]| decide(Changes::ByServices, Method::PUT, headers);
        assert_eq!(report(&[HERE]), Ok(()));
        assert_eq!(report(&[HERE, ("origin", "http://127.0.0.1:8888")]), Err(Code::Forbidden));
        assert_eq!(report(&[HERE, ("sec-fetch-mode", "cors")]), Err(Code::Forbidden));
    }
}
