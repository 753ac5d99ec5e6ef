//! The `rest` wire: JSON over HTTP. Method and path come from the operation's own line; path
//! parameters are taken out of the request, the rest is the query of a `GET` and the JSON body of
//! anything else. Streams are one JSON document a line, each way.

mod catalog;
mod inventory;
mod notifications;
mod orders;
mod payments;
mod recommendations;
mod shipping;
mod transport;

use std::sync::Arc;

use bytes::Bytes;
use chassis::discovery::Discovery;
use chassis::http::streams::{self, Ending};
use contracts::{Context, Operation, PortResult, Problem, RemoteReason, Streaming, Verb};
use futures::StreamExt;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tower::ServiceExt;

use crate::call::{Call, EdgeName, Failures, Payload, Tie, Wire};
use crate::choices::WireKind;
use crate::connect::{Instances, Reach};
use crate::stack;

/// Calls a service over REST. Implements every port.
#[derive(Clone)]
pub struct RestClient {
    edge: Arc<EdgeName>,
    wire: Wire,
    reach: Arc<dyn Reach>,
}

impl RestClient {
    /// The client of the edge from `caller` to `callee`.
    pub fn new(caller: &str, callee: &'static str, discovery: Arc<dyn Discovery>) -> Self {
        let edge = Arc::new(EdgeName { caller: caller.to_owned(), callee });
        let transport = transport::Transport::new();
        let reach = Arc::new(Instances::new(callee, discovery.clone(), transport.clone()));
        let wire = stack::around(callee, WireKind::Rest, discovery, transport);
        Self { edge, wire, reach }
    }

    /// Connects ahead of the first call.
    pub(crate) fn reach(&self) -> Arc<dyn Reach> {
        self.reach.clone()
    }

    /// One request, one reply.
    async fn call<In, Out>(
        &self,
        operation: &'static Operation,
        ctx: &Context,
        request: &In,
    ) -> PortResult<Out>
    where
        In: Serialize,
        Out: DeserializeOwned,
    {
        let failures = Failures { operation, wire: WireKind::Rest };
        let (target, body) = encode(operation, request)?;
        let reply = self.send(operation, ctx, target, Payload::One(body)).await?;
        let bytes = stack::only(reply, failures)?;
        serde_json::from_slice(&bytes)
            .map_err(|error| failures.sent(RemoteReason::Garbled, error.to_string()))
    }

    /// One request, many replies.
    async fn call_for_many<In, Out>(
        &self,
        operation: &'static Operation,
        ctx: &Context,
        request: &In,
    ) -> PortResult<Streaming<PortResult<Out>>>
    where
        In: Serialize,
        Out: DeserializeOwned + Send + 'static,
    {
        let (target, body) = encode(operation, request)?;
        self.stream(operation, ctx, target, Payload::One(body)).await
    }

    /// Many requests, many replies.
    async fn exchange<In, Out>(
        &self,
        operation: &'static Operation,
        ctx: &Context,
        requests: Streaming<In>,
    ) -> PortResult<Streaming<PortResult<Out>>>
    where
        In: Serialize + Send + 'static,
        Out: DeserializeOwned + Send + 'static,
    {
        let (requests, tie) = Tie::to(requests);
        let lines = Payload::Many(requests.map(|request| Ok(streams::line(&request))).boxed());
        Ok(tie.holding(self.stream(operation, ctx, operation.path.to_owned(), lines).await?))
    }

    async fn stream<Out: DeserializeOwned + Send + 'static>(
        &self,
        operation: &'static Operation,
        ctx: &Context,
        target: String,
        body: Payload,
    ) -> PortResult<Streaming<PortResult<Out>>> {
        let failures = Failures { operation, wire: WireKind::Rest };
        let chunks = match self.send(operation, ctx, target, body).await?.body {
            Payload::One(bytes) => futures::stream::once(async move { Ok(bytes) }).boxed(),
            Payload::Many(chunks) => chunks,
        };
        let replies = streams::replies(chunks).map(move |reply| {
            reply.map_err(|ending| match ending {
                Ending::Problem(problem) => problem.into(),
                Ending::Garbled(detail) => failures.sent(RemoteReason::Garbled, detail),
                Ending::Lost(error) => error,
            })
        });
        Ok(replies.boxed())
    }

    async fn send(
        &self,
        operation: &'static Operation,
        ctx: &Context,
        target: String,
        body: Payload,
    ) -> PortResult<crate::call::Reply> {
        let call = Call { edge: self.edge.clone(), operation, context: ctx.clone(), target, body };
        self.wire.clone().oneshot(call).await
    }
}

/// What may stand unescaped in a segment of a path (RFC 3986, unreserved).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Path and query, and the body.
fn encode<In: Serialize>(operation: &Operation, request: &In) -> PortResult<(String, Bytes)> {
    if !operation.path.contains('{') && operation.verb != Verb::Get {
        return Ok((operation.path.to_owned(), serde_json::to_vec(request).map_err(unserialisable)?.into()));
    }
    let Value::Object(mut fields) = serde_json::to_value(request).map_err(unserialisable)? else {
        return Err(unserialisable("a request is an object"));
    };
    let mut target = fill(operation.path, &mut fields)?;
    if operation.verb == Verb::Get {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &fields {
            query.append_pair(name, &plain(value));
        }
        let query = query.finish();
        if !query.is_empty() {
            target = format!("{target}?{query}");
        }
        return Ok((target, Bytes::new()));
    }
    Ok((target, serde_json::to_vec(&fields).map_err(unserialisable)?.into()))
}

/// Puts the fields that a path names into it, and takes them out of the request.
fn fill(path: &str, fields: &mut Map<String, Value>) -> PortResult<String> {
    let mut filled = String::with_capacity(path.len() + 36);
    for segment in path.split('/').skip(1) {
        filled.push('/');
        match segment.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            None => filled.push_str(segment),
            Some(name) => {
                let value = fields.remove(name).map(|value| plain(&value)).unwrap_or_default();
                // an empty segment, `.` and `..` would make another path of it
                if matches!(value.as_str(), "" | "." | "..") {
                    return Err(Problem::invalid_field(name, format!("cannot be {value:?}")).into());
                }
                filled.extend(utf8_percent_encode(&value, UNRESERVED));
            }
        }
    }
    Ok(filled)
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn unserialisable(error: impl std::fmt::Display) -> contracts::PortError {
    tracing::error!("a request cannot be written as JSON: {error}");
    Problem::internal().into()
}

#[cfg(test)]
mod tests {
    use contracts::catalog::{GetProduct, GetProducts, LIST, ListProducts, PRODUCT, PRODUCTS};
    use contracts::inventory::{RESERVE, ReserveStock};
    use contracts::types::{Line, PageRequest};
    use contracts::{OrderId, Sku};

    use super::*;

    #[test]
    fn path_parameters_are_escaped() {
        let (target, body) = encode(&PRODUCT, &GetProduct { sku: Sku::from("a/b?c d") }).expect("encodes");
        assert_eq!(target, "/products/a%2Fb%3Fc%20d");
        assert!(body.is_empty());
    }

    #[test]
    fn the_rest_of_a_read_is_its_query() {
        let page = PageRequest { cursor: None, limit: Some(7) };
        let request = ListProducts { category: Some("garden & home".into()), page };
        assert_eq!(encode(&LIST, &request).expect("encodes").0, "/products?category=garden+%26+home&limit=7");
        let request = GetProducts { skus: vec![Sku::from("A-1"), Sku::from("B-2")] };
        assert_eq!(encode(&PRODUCTS, &request).expect("encodes").0, "/products/batch?skus=A-1%2CB-2");
    }

    #[test]
    fn the_rest_of_a_change_is_its_body() {
        let id = OrderId::parse("id", "0190a000-0000-7000-8000-000000000001").expect("an id");
        let request = ReserveStock { order_id: id, lines: vec![Line { sku: Sku::from("A-1"), quantity: 2 }] };
        let (target, body) = encode(&RESERVE, &request).expect("encodes");
        assert_eq!(target, format!("/reservations/{id}"));
        assert_eq!(&body[..], br#"{"lines":[{"quantity":2,"sku":"A-1"}]}"#);
    }

    #[test]
    fn a_value_that_would_change_the_path_is_refused() {
        for bad in ["", ".", ".."] {
            assert!(encode(&PRODUCT, &GetProduct { sku: Sku::from(bad) }).is_err(), "{bad:?}");
        }
    }
}
