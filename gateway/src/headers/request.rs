//! A request's headers as they go on to a service.

use std::net::IpAddr;

use chassis::http::headers as ours;
use chassis::http::{read_context, write_context};
use contracts::{Context, Problem, TraceContext};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::Authority;
use http::{Version, request};

use super::{forwarding, hop};
use crate::routes::{Protocol, Route};

/// The beginning of the names that services use among themselves. A client may send one of them: its
/// wish for a time-out.
const OURS: &str = "tradewind-";

/// Where a request came from.
pub(crate) struct Origin {
    /// Who connected to us.
    pub client: Option<IpAddr>,
    /// The host that the client meant to talk to.
    pub host: Option<Authority>,
    /// The version in which it came.
    pub version: Version,
    /// The trace that it belongs to; its span is ours.
    pub trace: TraceContext,
}

/// The circumstances in which a service is called for a client: its time-out is the route's, or the
/// client's smaller wish.
pub(crate) fn context(
    parts: &request::Parts,
    route: &Route,
    trace: &TraceContext,
) -> Result<Context, Problem> {
    let mut context = read_context(&parts.headers, route.timeout())?;
    "gateway".clone_into(&mut context.caller);
    context.trace = trace.clone();
    Ok(context)
}

/// The client's headers without what concerns our connection or what only services may say, and with
/// what the gateway knows.
pub(crate) fn outbound(mut headers: HeaderMap, origin: &Origin, protocol: Protocol) -> HeaderMap {
    hop::strip(&mut headers);
    let forbidden: Vec<HeaderName> =
        headers.keys().filter(|name| name.as_str().starts_with(OURS)).cloned().collect();
    for name in &forbidden {
        headers.remove(name);
    }
    // the service's own host is known from its address; the client's stands in `Forwarded`
    headers.remove(header::HOST);
    // these are written from the context
    headers.remove(ours::TRACEPARENT);
    headers.remove(ours::TRACESTATE);
    headers.remove(ours::BAGGAGE);
    headers.insert(ours::AUDIENCE, HeaderValue::from_static("public"));
    forwarding::add_forwarded(&mut headers, origin.client, origin.host.as_ref());
    forwarding::add_via(&mut headers, origin.version);
    if protocol == Protocol::Http && headers.contains_key(header::TE) {
        // HTTP/1.1 wants each hop to say that TE is for it
        headers.insert(header::CONNECTION, HeaderValue::from_static("te"));
    }
    headers
}

/// Writes the context of a call into its headers, with the time that is left by now.
pub(crate) fn stamp(headers: &mut HeaderMap, context: &Context) {
    write_context(context, headers);
}
