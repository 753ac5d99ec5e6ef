//! A callee that does as it is told, and remembers what it was asked.

mod ports;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use contracts::inventory::{StockLevel, WatchStock};
use contracts::{Context, Operation, PortError, PortResult, Streaming};
use futures::StreamExt;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

/// A request or a reply, whatever its type.
pub type Value = Arc<dyn Any + Send + Sync>;

/// What stock levels a watcher gets for what it asks.
pub type Watch = dyn Fn(Streaming<WatchStock>) -> Streaming<PortResult<StockLevel>> + Send + Sync;

/// What items a listener gets, each of the type of its operation.
pub type Listen = dyn Fn() -> Streaming<PortResult<Value>> + Send + Sync;

/// What a callee does with every call, until it is told otherwise.
#[derive(Clone)]
pub enum Script {
    /// Answers this. For a stream it is the list of all its items.
    Reply(Value),
    /// Answers this once the semaphore has a permit for it.
    ReplyWhen(Arc<Semaphore>, Value),
    /// Refuses.
    Fail(PortError),
    /// Never answers.
    Hang,
    /// Answers a watcher.
    Watch(Arc<Watch>),
    /// Answers a listener: who asks once and is answered many times.
    Listen(Arc<Listen>),
}

/// One call as it arrived.
pub struct Seen {
    pub operation: &'static Operation,
    pub context: Context,
    /// The time that was left when it arrived.
    pub left: Duration,
    /// For a watch, the list of all that the caller streamed.
    pub request: Value,
}

/// The callee. It is every module at once.
pub struct Scripted {
    script: Mutex<Script>,
    seen: Mutex<Vec<Seen>>,
}

impl Scripted {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { script: Mutex::new(Script::Hang), seen: Mutex::default() })
    }

    /// From now on every call is answered by `script`.
    pub fn play(&self, script: Script) {
        *self.script.lock() = script;
    }

    /// The calls that arrived since this was asked last.
    pub fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock())
    }

    /// How many calls arrived since [`Self::take_seen`].
    pub fn count(&self) -> usize {
        self.seen.lock().len()
    }

    fn script(&self) -> Script {
        self.script.lock().clone()
    }

    fn note(&self, operation: &'static Operation, context: &Context, request: Value) {
        let (context, left) = (context.clone(), context.deadline.left());
        self.seen.lock().push(Seen { operation, context, left, request });
    }

    async fn answer<In, Out>(
        &self,
        operation: &'static Operation,
        context: &Context,
        request: In,
    ) -> PortResult<Out>
    where
        In: Any + Send + Sync,
        Out: Any + Clone,
    {
        self.note(operation, context, Arc::new(request));
        let value = match self.script() {
            Script::Reply(value) => value,
            Script::ReplyWhen(permits, value) => {
                permits.acquire().await.expect("it is never closed").forget();
                value
            }
            Script::Fail(error) => return Err(error),
            Script::Hang => std::future::pending().await,
            Script::Watch(_) | Script::Listen(_) => panic!("{operation} was called, which is not scripted"),
        };
        Ok(typed(operation, &value))
    }

    async fn answer_many<In, Item>(
        &self,
        operation: &'static Operation,
        context: &Context,
        request: In,
    ) -> PortResult<Streaming<PortResult<Item>>>
    where
        In: Any + Send + Sync,
        Item: Any + Clone + Send,
    {
        if let Script::Listen(play) = self.script() {
            self.note(operation, context, Arc::new(request));
            return Ok(play().map(move |item| item.map(|value| typed(operation, &value))).boxed());
        }
        let items: Vec<Item> = self.answer(operation, context, request).await?;
        Ok(futures::stream::iter(items.into_iter().map(Ok)).boxed())
    }
}

fn typed<T: Any + Clone>(operation: &Operation, value: &Value) -> T {
    let of_type = value.downcast_ref::<T>();
    of_type.unwrap_or_else(|| panic!("the script's reply is not one to {operation}")).clone()
}
