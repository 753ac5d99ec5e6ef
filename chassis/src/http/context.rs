//! How a [`Context`] travels in HTTP headers.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use contracts::{Code, Context, Deadline, IdempotencyKey, Operation, Problem, TraceContext};

use super::Refusal;

/// The names of our headers.
pub mod headers {
    use axum::http::HeaderName;

    /// The time left in milliseconds: relative, because clocks of two machines differ.
    pub const TIMEOUT: HeaderName = HeaderName::from_static("tradewind-timeout-ms");
    /// The module that makes the call.
    pub const CALLER: HeaderName = HeaderName::from_static("tradewind-caller");
    /// `public` where the request comes from outside: the gateway sets it, whatever the client sent.
    pub const AUDIENCE: HeaderName = HeaderName::from_static("tradewind-audience");
    /// draft-ietf-httpapi-idempotency-key-header.
    pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
    /// W3C Trace Context.
    pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
    /// W3C Trace Context.
    pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
    /// W3C Baggage.
    pub const BAGGAGE: HeaderName = HeaderName::from_static("baggage");
}

/// The circumstances of the call that a handler answers. Refuses a call whose deadline has passed
/// before any work begins.
pub struct Ctx(pub Context);

impl<S: Send + Sync> FromRequestParts<S> for Ctx {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let longest =
            parts.extensions.get::<&'static Operation>().map_or(Deadline::LONGEST, |op| op.deadline);
        let mut context = read_context(&parts.headers, longest)?;
        if let Some(trace) = parts.extensions.get::<TraceContext>() {
            context.trace = trace.clone();
        }
        Ok(Self(context))
    }
}

/// Reads the context of a call that may take `longest` where the caller sets no earlier deadline.
pub fn read_context(headers: &HeaderMap, longest: Duration) -> Result<Context, Problem> {
    let budget = match headers.get(headers::TIMEOUT) {
        None => longest,
        Some(value) => {
            let millis = value.to_str().ok().and_then(|text| text.parse().ok()).ok_or_else(|| {
                Problem::invalid_field("tradewind-timeout-ms", "must be a whole number of milliseconds")
            })?;
            Duration::from_millis(millis).min(longest)
        }
    };
    if budget.is_zero() {
        return Err(Problem::new(Code::DeadlineExceeded, "the caller's time was up before the work began"));
    }
    let idempotency_key = headers.get(headers::IDEMPOTENCY_KEY).map(key).transpose()?;
    let caller = text(headers, &headers::CALLER).unwrap_or("unknown").to_owned();
    let trace = read_trace(headers).unwrap_or_else(TraceContext::root);
    let context =
        Context { deadline: Deadline::after(budget), idempotency_key, caller, trace, baggage: None };
    let baggage: Vec<_> =
        headers.get_all(&headers::BAGGAGE).iter().filter_map(|value| value.to_str().ok()).collect();
    Ok(if baggage.is_empty() { context } else { context.with_baggage(&baggage.join(",")) })
}

fn key(value: &HeaderValue) -> Result<IdempotencyKey, Problem> {
    let text = value.to_str().map_err(|_| "must consist of visible ASCII characters");
    text.and_then(|text| IdempotencyKey::parse(unquoted(text)))
        .map_err(|fault| Problem::invalid_field("Idempotency-Key", fault))
}

/// The draft writes the key as a quoted string; many clients leave the quotes out.
fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

/// The trace that a request belongs to, where it says so.
pub(crate) fn read_trace(headers: &HeaderMap) -> Option<TraceContext> {
    TraceContext::parse(text(headers, &headers::TRACEPARENT)?, text(headers, &headers::TRACESTATE))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Writes the context of a call into its headers.
pub fn write_context(context: &Context, headers: &mut HeaderMap) {
    let left = u64::try_from(context.deadline.left().as_millis()).unwrap_or(u64::MAX);
    headers.insert(headers::TIMEOUT, HeaderValue::from(left));
    let mut set = |name, text: &str| {
        // names and keys were checked when they came in; a tracestate may hold anything, and is
        // dropped rather than failing the call
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(name, value);
        }
    };
    set(headers::CALLER, &context.caller);
    set(headers::TRACEPARENT, &context.trace.traceparent());
    if let Some(state) = &context.trace.state {
        set(headers::TRACESTATE, state);
    }
    if let Some(baggage) = &context.baggage {
        set(headers::BAGGAGE, baggage);
    }
    if let Some(key) = &context.idempotency_key {
        // in quotes, so that a key which has quotes of its own keeps them
        set(headers::IDEMPOTENCY_KEY, &format!("\"{}\"", key.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_survives_the_headers() {
        let context = Context::background("orders", Duration::from_secs(3))
            .with_key(IdempotencyKey::parse("k-1").expect("a key"))
            .with_baggage("tenant=7,user=ada");
        let mut headers = HeaderMap::new();
        write_context(&context, &mut headers);
        let back = read_context(&headers, Duration::from_secs(10)).expect("reads");
        assert_eq!(back.caller, "orders");
        assert_eq!(back.trace, context.trace);
        assert_eq!(back.idempotency_key, context.idempotency_key);
        assert_eq!(back.baggage, context.baggage);
        assert!(back.deadline.left() <= Duration::from_secs(3));
    }

    #[test]
    fn no_time_left_is_refused_before_any_work() {
        let mut headers = HeaderMap::new();
        headers.insert(headers::TIMEOUT, HeaderValue::from_static("0"));
        let refused = read_context(&headers, Duration::from_secs(1)).expect_err("no time left");
        assert_eq!(refused.code, Code::DeadlineExceeded);
    }

    #[test]
    fn a_caller_cannot_ask_for_more_than_the_operation_allows() {
        let mut headers = HeaderMap::new();
        headers.insert(headers::TIMEOUT, HeaderValue::from_static("18446744073709551615"));
        let context = read_context(&headers, Duration::from_secs(2)).expect("reads");
        assert!(context.deadline.left() <= Duration::from_secs(2));
    }
}
