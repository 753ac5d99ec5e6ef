//! Every operation of every port, with requests and replies that try what its types can hold.

mod catalog;
mod inventory;
mod notifications;
mod orders;
mod payments;
mod recommendations;
mod shipping;
mod values;

use std::any::Any;
use std::collections::HashSet;
use std::fmt::{Debug, Display};
use std::sync::Arc;

use contracts::{Context, Operation, PortResult};
use futures::FutureExt;
use futures::future::BoxFuture;

use super::house::Clients;
use super::scripted::Value;

type Call = dyn Fn(Clients, Context) -> BoxFuture<'static, PortResult<Value>> + Send + Sync;
type Check = dyn Fn(&Value, &str) + Send + Sync;

/// One call: what is asked, and what is answered.
pub struct Case {
    pub operation: &'static Operation,
    /// What the callee is to answer.
    pub reply: Value,
    call: Box<Call>,
    is_request: Box<Check>,
    is_reply: Box<Check>,
}

impl Case {
    /// `call` makes the call with a client and gathers its reply: of a stream, all items.
    fn new<In, Out, Made, Reply>(operation: &'static Operation, request: In, reply: Out, call: Made) -> Self
    where
        In: Any + Clone + PartialEq + Debug + Send + Sync,
        Out: Any + Clone + PartialEq + Debug + Send + Sync,
        Made: Fn(Clients, Context, In) -> Reply + Send + Sync + 'static,
        Reply: Future<Output = PortResult<Out>> + Send + 'static,
    {
        let asked = request.clone();
        Self {
            operation,
            reply: Arc::new(reply.clone()),
            call: Box::new(move |clients, ctx| {
                let reply = call(clients, ctx, request.clone());
                async move { reply.await.map(|reply| Arc::new(reply) as Value) }.boxed()
            }),
            is_request: Box::new(move |seen, how| is(&asked, seen, how)),
            is_reply: Box::new(move |seen, how| is(&reply, seen, how)),
        }
    }

    /// Makes the call.
    pub fn call(&self, clients: &Clients, ctx: Context) -> BoxFuture<'static, PortResult<Value>> {
        (self.call)(clients.clone(), ctx)
    }

    /// Asserts that this is what was asked.
    pub fn assert_request(&self, seen: &Value, way: impl Display) {
        (self.is_request)(seen, &format!("the request of {} over {way}", self.operation));
    }

    /// Asserts that this is what was answered.
    pub fn assert_reply(&self, seen: &Value, way: impl Display) {
        (self.is_reply)(seen, &format!("the reply to {} over {way}", self.operation));
    }
}

fn is<T: Any + PartialEq + Debug>(expected: &T, seen: &Value, what: &str) {
    let seen = seen.downcast_ref::<T>().unwrap_or_else(|| panic!("{what} is of another type"));
    assert_eq!(seen, expected, "{what}");
}

/// Every case.
pub fn all() -> Vec<Case> {
    [
        catalog::cases(),
        inventory::cases(),
        payments::cases(),
        shipping::cases(),
        orders::cases(),
        notifications::cases(),
        recommendations::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// One case of each operation.
pub fn one_each() -> Vec<Case> {
    let mut named = HashSet::new();
    all().into_iter().filter(|case| named.insert(case.operation.to_string())).collect()
}

#[test]
fn every_operation_of_every_port_has_a_case() {
    let cases = one_each();
    let without: Vec<String> = contracts::all_operations()
        .filter(|operation| !cases.iter().any(|case| case.operation == *operation))
        .map(ToString::to_string)
        .collect();
    assert!(without.is_empty(), "without a case: {without:?}");
}
