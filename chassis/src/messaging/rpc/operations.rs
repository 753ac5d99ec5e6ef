//! Which operations a service answers: each decodes the request, calls the port, encodes the reply.

use std::sync::Arc;

use bytes::Bytes;
use contracts::{Context, Operation, PortResult, Problem, Streaming};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::http::from_json;

/// What a request comes to: bytes, or why there are none.
pub(super) type Answer = Result<Bytes, Problem>;

type Unary = dyn Fn(Context, Bytes) -> BoxFuture<'static, Answer> + Send + Sync;
type Many = dyn Fn(Context, Bytes, Streaming<Bytes>) -> BoxFuture<'static, Result<Streaming<Answer>, Problem>>
    + Send
    + Sync;

/// How an operation is answered.
#[derive(Clone)]
pub(super) enum Handler {
    /// By one reply.
    One(Arc<Unary>),
    /// By many, while the caller may go on speaking.
    Many(Arc<Many>),
}

/// The operations of a service, over its port: what an `amqp.rs` makes, as `rest.rs` makes routes.
pub struct Operations<P: ?Sized> {
    port: Arc<P>,
    table: Table,
}

/// Whose operations they are, and how each is answered.
pub(super) struct Table {
    pub(super) service: &'static str,
    handlers: Vec<(&'static Operation, Handler)>,
}

impl<P: ?Sized + Send + Sync + 'static> Operations<P> {
    /// Those of `service`, which `port` carries out; none yet.
    pub fn over(service: &'static str, port: Arc<P>) -> Self {
        Self { port, table: Table { service, handlers: Vec::new() } }
    }

    /// One request, one reply.
    pub fn unary<In, Out, Work, Reply>(self, operation: &'static Operation, work: Work) -> Self
    where
        In: DeserializeOwned + Send,
        Out: Serialize + Send,
        Work: Fn(Arc<P>, Context, In) -> Reply + Send + Sync + 'static,
        Reply: Future<Output = PortResult<Out>> + Send + 'static,
    {
        let port = self.port.clone();
        let handler = move |context, body: Bytes| match from_json(&body) {
            Ok(request) => work(port.clone(), context, request).map(|result| encoded(result)).boxed(),
            Err(problem) => std::future::ready(Err(problem)).boxed(),
        };
        self.with(operation, Handler::One(Arc::new(handler)))
    }

    /// One request, many replies.
    pub fn stream<In, Out, Work, Reply>(self, operation: &'static Operation, work: Work) -> Self
    where
        In: DeserializeOwned + Send,
        Out: Serialize + Send + 'static,
        Work: Fn(Arc<P>, Context, In) -> Reply + Send + Sync + 'static,
        Reply: Future<Output = PortResult<Streaming<PortResult<Out>>>> + Send + 'static,
    {
        let port = self.port.clone();
        let handler = move |context, body: Bytes, _| match from_json(&body) {
            Ok(request) => work(port.clone(), context, request).map(encoded_items).boxed(),
            Err(problem) => std::future::ready(Err(problem)).boxed(),
        };
        self.with(operation, Handler::Many(Arc::new(handler)))
    }

    /// Many requests, many replies, at the same time. A request that cannot be read ends the requests, as it
    /// does on REST.
    pub fn duplex<In, Out, Work, Reply>(self, operation: &'static Operation, work: Work) -> Self
    where
        In: DeserializeOwned + Send + 'static,
        Out: Serialize + Send + 'static,
        Work: Fn(Arc<P>, Context, Streaming<In>) -> Reply + Send + Sync + 'static,
        Reply: Future<Output = PortResult<Streaming<PortResult<Out>>>> + Send + 'static,
    {
        let port = self.port.clone();
        let handler = move |context, _, requests: Streaming<Bytes>| {
            let requests = requests.map(|request| serde_json::from_slice(&request).ok());
            let requests = requests.scan((), |(), request| std::future::ready(request)).boxed();
            work(port.clone(), context, requests).map(encoded_items).boxed()
        };
        self.with(operation, Handler::Many(Arc::new(handler)))
    }

    fn with(mut self, operation: &'static Operation, handler: Handler) -> Self {
        self.table.handlers.push((operation, handler));
        self
    }

    /// Without the port, which is in the handlers by now.
    pub(super) fn into_table(self) -> Table {
        self.table
    }
}

impl Table {
    /// The operation of that name.
    pub(super) fn find(&self, name: &str) -> Option<(&'static Operation, Handler)> {
        let is_it = |operation: &Operation| {
            name.split_once('.').is_some_and(|name| name == (operation.port, operation.name))
        };
        self.handlers
            .iter()
            .find(|(operation, _)| is_it(operation))
            .map(|(operation, handler)| (*operation, handler.clone()))
    }
}

fn encoded<Out: Serialize>(result: PortResult<Out>) -> Answer {
    let reply = result.map_err(|error| error.into_problem())?;
    serde_json::to_vec(&reply).map(Bytes::from).map_err(|error| {
        tracing::error!("a reply cannot be written as JSON: {error}");
        Problem::internal()
    })
}

fn encoded_items<Out: Serialize + Send + 'static>(
    result: PortResult<Streaming<PortResult<Out>>>,
) -> Result<Streaming<Answer>, Problem> {
    let items = result.map_err(|error| error.into_problem())?;
    Ok(items.map(encoded).boxed())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use contracts::inventory::{GetStock, STOCK, StockLevel, WATCH, WatchStock};
    use contracts::{Code, PortError, RemoteFailure};

    use super::*;

    fn operations() -> Table {
        let level = |sku| StockLevel { sku, available: 1, reserved: 0, version: 1 };
        Operations::over("inventory", Arc::new(level))
            .unary(&STOCK, |level, _, request: GetStock| async move { Ok(level(request.sku)) })
            .duplex(&WATCH, |level, _, changes: Streaming<WatchStock>| async move {
                let changed = move |change| match change {
                    WatchStock::Add(sku) => Ok(level(sku)),
                    WatchStock::Drop(sku) => Err(Problem::not_found(sku).into()),
                };
                Ok(changes.map(changed).boxed())
            })
            .into_table()
    }

    fn context() -> Context {
        Context::background("orders", Duration::from_secs(1))
    }

    async fn ask(body: &'static str) -> Answer {
        let Some((_, Handler::One(handler))) = operations().find("inventory.stock") else {
            panic!("the operation is there, and has one reply")
        };
        handler(context(), Bytes::from_static(body.as_bytes())).await
    }

    #[tokio::test]
    async fn a_request_is_decoded_and_the_reply_encoded() {
        let reply = ask(r#"{"sku":"A-1","of_the_future":{"a":1}}"#).await.expect("a reply");
        assert_eq!(&reply[..], br#"{"sku":"A-1","available":1,"reserved":0,"version":1}"#);
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_told_as_on_rest() {
        for (body, code) in [
            ("", Code::Malformed),
            ("{", Code::Malformed),
            (r#"{"sku":"A"} x"#, Code::Malformed),
            ("{}", Code::InvalidRequest),
            ("null", Code::InvalidRequest),
            (r#"["A"]"#, Code::InvalidRequest),
            (r#"{"sku":1}"#, Code::InvalidRequest),
        ] {
            assert_eq!(ask(body).await.expect_err(body).code, code, "{body}");
        }
    }

    #[tokio::test]
    async fn a_stream_of_requests_ends_with_the_first_that_cannot_be_read() {
        let Some((_, Handler::Many(handler))) = operations().find("inventory.watch") else {
            panic!("the operation is there, and has many replies")
        };
        let requests = [r#"{"add":"A"}"#, "?", r#"{"add":"B"}"#].map(Bytes::from);
        let requests = futures::stream::iter(requests).boxed();
        let levels: Vec<Answer> =
            handler(context(), Bytes::new(), requests).await.expect("opens").collect().await;
        assert_eq!(levels.len(), 1);
        assert!(levels[0].is_ok());
    }

    #[test]
    fn what_failed_behind_is_told_as_a_problem() {
        let failure = RemoteFailure {
            operation: "payments.capture".into(),
            wire: "rest".into(),
            reason: contracts::RemoteReason::Broken,
            effect: contracts::Effect::Unknown,
            detail: "10.0.0.1:1".into(),
        };
        let told = encoded::<()>(Err(PortError::from(failure))).expect_err("no reply");
        assert_eq!(told.code, Code::OutcomeUnknown);
        assert!(!told.detail.contains("10.0.0.1"));
    }

    #[test]
    fn what_the_service_does_not_know_is_not_found() {
        for name in ["", "stock", "inventory.", "inventory.stocks", "orders.stock", "inventory.stock.x"] {
            assert!(operations().find(name).is_none(), "{name}");
        }
    }
}
