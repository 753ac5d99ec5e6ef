//! The `local` wire: a plain call in the same process, under the same rules about time as any other.

mod catalog;
mod inventory;
mod notifications;
mod orders;
mod payments;
mod recommendations;
mod shipping;

use std::sync::Arc;

use chassis::http::streams::until_error;
use chassis::telemetry::spans::Span;
use contracts::{Context, Operation, PortError, PortResult, RemoteReason, Streaming};
use futures::StreamExt;

use crate::call::Failures;
use crate::choices::WireKind;
use crate::observe::{Observed, answered_here};
use crate::stack::too_late;

/// Calls a port of this process.
pub struct Local<P: ?Sized> {
    caller: String,
    port: Arc<P>,
}

impl<P: ?Sized> Local<P> {
    /// The edge from `caller` to `port`.
    pub fn new(caller: &str, port: Arc<P>) -> Self {
        Self { caller: caller.to_owned(), port }
    }

    async fn call<T, Work, Reply>(
        &self,
        operation: &'static Operation,
        ctx: &Context,
        work: Work,
    ) -> PortResult<T>
    where
        Work: FnOnce(Arc<P>, Context) -> Reply,
        Reply: Future<Output = PortResult<T>>,
    {
        let mut context = ctx.clone().within(operation.deadline);
        context.caller.clone_from(&self.caller);
        let observed = Observed::begin(&self.caller, operation, WireKind::Local, &context.trace);
        let answered = answered_here(operation, observed.trace());
        context.trace.clone_from(answered.trace());
        observed
            .around(within_deadline(operation, context, answered, |context| work(self.port.clone(), context)))
            .await
    }

    async fn stream<T, Work, Reply>(
        &self,
        operation: &'static Operation,
        ctx: &Context,
        work: Work,
    ) -> PortResult<Streaming<PortResult<T>>>
    where
        T: Send + 'static,
        Work: FnOnce(Arc<P>, Context) -> Reply,
        Reply: Future<Output = PortResult<Streaming<PortResult<T>>>>,
    {
        let items = self.call(operation, ctx, work).await?;
        Ok(until_error(items.map(|item| item.map_err(as_callee_tells))).boxed())
    }
}

async fn within_deadline<T, Reply>(
    operation: &'static Operation,
    context: Context,
    answered: Span,
    work: impl FnOnce(Context) -> Reply,
) -> PortResult<T>
where
    Reply: Future<Output = PortResult<T>>,
{
    let deadline = context.deadline;
    if deadline.passed() {
        return Err(too_late(operation));
    }
    let answer = async {
        let result = answered.around(work(context)).await.map_err(as_callee_tells);
        if let Err(PortError::Problem(problem)) = &result
            && problem.code.is_servers_fault()
        {
            answered.fail(problem.code.as_str(), &problem.detail);
        }
        result
    };
    match tokio::time::timeout_at(deadline.instant(), answer).await {
        Ok(result) => result,
        Err(_) => {
            let failures = Failures { operation, wire: WireKind::Local };
            Err(failures.sent(RemoteReason::TimedOut, "the deadline passed"))
        }
    }
}

/// What failed behind the callee is the callee's problem: so it is told on every other wire, where only
/// problems travel.
fn as_callee_tells(error: PortError) -> PortError {
    error.into_problem().into()
}
