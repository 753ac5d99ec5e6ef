//! A request's way to a service, and its response's way back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use chassis::telemetry::requests::Taken;
use chassis::telemetry::spans::{Begin, KeyValue, Span, SpanKind};
use contracts::error::chain;
use contracts::{Context, Deadline, Kind, TraceContext};
use http::header::HeaderMap;
use http::uri::Authority;
use http::{Method, Uri};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::body::{Closing, Download, Stopped, Upload};
use crate::gateway::{Gateway, Rules};
use crate::headers::request::{self, Origin};
use crate::headers::response::{self, Answerer};
use crate::refusal::{Language, Refused};
use crate::routes::{Found, Missing, Route};
use crate::upstream::{Chosen, HeadDeadline, Ticket, UpstreamError};
use crate::{admission, metrics};

/// How much longer the gateway waits than the service was told to take. Who runs out of time answers
/// better than who waits for it: the service knows what became of the request, and where to ask.
const GRACE: Duration = Duration::from_millis(250);

/// Answers a request that is not for the gateway itself.
pub(crate) async fn handle(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let language = Language::of(request.headers());
    match forward(&gateway, request).await {
        Ok(response) => response,
        Err(refused) => refused.into_response(language),
    }
}

async fn forward(gateway: &Gateway, request: Request) -> Result<Response, Refused> {
    let rules = gateway.rules();
    let (parts, body) = request.into_parts();
    let host = admission::host(&parts)?;
    admission::path(parts.uri.path())?;
    admission::upgrade(&parts.headers)?;

    let path = parts.uri.path();
    let Found { route, path } = rules.table.find(&parts.method, path).map_err(|missing| match missing {
        Missing::Path => Refused::unknown(&parts.method, path),
        Missing::Method(allowed) => Refused::method(&parts.method, path, &allowed),
    })?;
    if let Some(taken) = parts.extensions.get::<Taken>() {
        taken.is(&route.config().path);
    }
    admission::protocol(&parts.headers, route)?;
    let limit = route.config().body_bytes.unwrap_or(rules.config.body_bytes);
    admission::length(&parts.headers, limit)?;

    let origin = Origin {
        client: parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip()),
        host,
        version: parts.version,
        trace: parts.extensions.get::<TraceContext>().cloned().unwrap_or_else(TraceContext::root),
    };
    let context = request::context(&parts, route, &origin.trace)?;
    let errand = Errand {
        route,
        target: target(&path, parts.uri.query())?,
        headers: request::outbound(parts.headers, &origin, route.protocol()),
        method: parts.method,
        budget: context.deadline.left(),
        context,
        limit,
        draining: &gateway.draining,
    };
    let answer = errand.run(gateway, &rules, body).await;
    let status = answer.as_ref().map_or_else(Refused::status, Response::status);
    metrics::answered(route.service(), status);
    answer
}

fn target(path: &str, query: Option<&str>) -> Result<Uri, Refused> {
    let text = query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    // made of parts of an address that was read already
    text.parse().map_err(|_| Refused::unknown(&Method::GET, path))
}

/// One request for a service, ready to be sent.
struct Errand<'a> {
    route: &'a Route,
    method: Method,
    target: Uri,
    headers: HeaderMap,
    context: Context,
    budget: Duration,
    /// The largest body in bytes.
    limit: u64,
    /// Ends streams that have no end of their own.
    draining: &'a CancellationToken,
}

/// Why an attempt brought no response.
enum Failed {
    /// Nothing was sent; the body is there again, where there was a way to give it back.
    NotSent(Authority, Option<Body>),
    /// It is over.
    Finally(Refused),
}

impl Errand<'_> {
    /// Sends it. Where an instance cannot be connected to, nothing has happened, and one other gets it:
    /// there is no other repetition here.
    async fn run(self, gateway: &Gateway, rules: &Rules, mut body: Body) -> Result<Response, Refused> {
        let service = self.route.service();
        let pause = rules.config.set_aside();
        let mut tried: Option<Authority> = None;
        loop {
            let chosen = gateway.upstreams.choose(service, self.route.protocol(), tried.as_ref());
            let Some(chosen) = chosen else {
                return Err(match tried {
                    None => Refused::no_instance(service, pause),
                    Some(_) => Refused::unreachable(service, pause),
                });
            };
            match self.attempt(chosen, body, rules).await {
                Ok(response) => return Ok(response),
                Err(Failed::NotSent(address, Some(untouched))) if tried.is_none() => {
                    (tried, body) = (Some(address), untouched);
                }
                Err(Failed::NotSent(..)) => return Err(Refused::unreachable(service, pause)),
                Err(Failed::Finally(refused)) => return Err(refused),
            }
        }
    }

    async fn attempt(&self, chosen: Chosen, body: Body, rules: &Rules) -> Result<Response, Failed> {
        let Chosen { upstream, address, ticket } = chosen;
        let span = self.span(address.as_ref());
        let (upload, handle) = Upload::new(body, self.limit);
        let answer = span.around(upstream.oneshot(self.request(upload, &span))).await;
        note(&span, &answer);
        match answer {
            // a module in this process makes what it can of a body that was cut off
            Ok(_) if address.is_none() && handle.stopped() == Some(Stopped::TooLarge) => {
                Err(Failed::Finally(Refused::too_large(self.limit)))
            }
            Ok(response) => Ok(self.answer(response, address.as_ref(), rules, ticket)),
            Err(error) => {
                let service = self.route.service();
                let place = address.as_ref().map_or("this process", Authority::as_str);
                let reason = chain(&error);
                tracing::warn!(service, place, reason, "{service} at {place} gave no response: {reason}");
                if let (UpstreamError::Unreachable(_), Some(address)) = (&error, address) {
                    ticket.set_aside(rules.config.set_aside());
                    return Err(Failed::NotSent(address, handle.reclaim()));
                }
                Err(Failed::Finally(match handle.stopped() {
                    Some(Stopped::TooLarge) => Refused::too_large(self.limit),
                    Some(Stopped::ByClient) => Refused::abandoned(),
                    None => Refused::failed(service, &error, self.kind(), self.budget),
                }))
            }
        }
    }

    fn kind(&self) -> Kind {
        self.route.kind(&self.method)
    }

    /// The span of an attempt.
    fn span(&self, address: Option<&Authority>) -> Span {
        let span = Begin::new(SpanKind::Client, "gateway", self.method.to_string());
        let span = span.child_of(&self.context.trace).begin();
        span.describe(|| {
            [
                KeyValue::new("http.request.method", self.method.to_string()),
                KeyValue::new("url.template", self.route.config().rewrite.clone()),
                KeyValue::new("peer.service", self.route.service().to_owned()),
            ]
        });
        if let Some(address) = address {
            span.describe(|| {
                [
                    KeyValue::new("server.address", address.host().to_owned()),
                    KeyValue::new("server.port", i64::from(address.port_u16().unwrap_or(80))),
                ]
            });
        }
        span
    }

    /// The request as the upstream gets it. Made anew for each attempt, with the time that is left.
    fn request(&self, upload: Upload, span: &Span) -> http::Request<Body> {
        let context = Context { trace: span.trace().clone(), ..self.context.clone() };
        let mut request = http::Request::new(Body::new(upload));
        self.method.clone_into(request.method_mut());
        self.target.clone_into(request.uri_mut());
        self.headers.clone_into(request.headers_mut());
        request::stamp(request.headers_mut(), &context);
        request.extensions_mut().insert(HeadDeadline(Deadline::after(context.deadline.left() + GRACE)));
        request
    }

    /// The response as the client gets it. The request counts as load until its last byte.
    fn answer(
        &self,
        response: Response,
        address: Option<&Authority>,
        rules: &Rules,
        ticket: Ticket,
    ) -> Response {
        let (parts, body) = response.into_parts();
        let service = self.route.service();
        let closing = Closing::of(&parts.headers, self.draining);
        let download = Download::new(body, service, rules.config.idle(), ticket).until(closing);
        let mut response = Response::new(Body::new(download));
        *response.status_mut() = parts.status;
        *response.headers_mut() = parts.headers;
        let from = Answerer { service, address, version: parts.version };
        response::inbound(response.headers_mut(), &from, &rules.table);
        response
    }
}

/// What came of an attempt, for its span.
fn note(span: &Span, answer: &Result<http::Response<Body>, UpstreamError>) {
    match answer {
        Ok(response) => {
            let status = response.status();
            span.describe(|| [KeyValue::new("http.response.status_code", i64::from(status.as_u16()))]);
            // to a client, refusals are errors, too
            if status.is_client_error() || status.is_server_error() {
                span.fail(status.as_u16(), status);
            }
        }
        Err(error) => span.fail(error.kind(), chain(error)),
    }
}
