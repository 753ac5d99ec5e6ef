//! A customer who wants out.

use contracts::orders::{Order, TimelineEntry};
use contracts::{Code, Context, OrderId, PortResult, Problem};

use super::Service;
use super::wait::Patience;
use crate::answer;
use crate::domain::{Driver, Input, State, StoredOrder};
use crate::saga::Advance;

impl Service {
    pub(super) async fn cancel_order(&self, ctx: &Context, id: OrderId) -> PortResult<Order> {
        let order = self.stored(id).await?;
        match order.state {
            State::Refunded | State::Cancelled => return Ok(order.view()),
            State::Confirmed => {}
            State::Cancelling | State::Reversing(_) => return Err(answer::being_cancelled(&order).into()),
            _ => {
                let detail = format!(
                    "order {} is {}; only a confirmed order can be cancelled",
                    order.id,
                    order.state.name()
                );
                return Err(Problem::new(Code::Conflict, detail).at(answer::location(&order)).into());
            }
        }
        super::can_drive(&self.saga, order.coordination)?;
        let advance = self.saga.advance(ctx, &order, &Input::CancelRequested).await;
        let order = match advance.map_err(|error| answer::unstored(&order, error))? {
            Advance::To(order) => *order,
            // nothing moves a confirmed order but a cancellation: somebody else's was faster
            Advance::Nowhere | Advance::Overtaken => return Err(answer::being_cancelled(&order).into()),
        };
        let order = match order.driver() {
            Driver::Calls => self.see_through(ctx, order).await?,
            Driver::Messages => {
                self.wait(ctx, order, Patience::ToTheEnd, |order| order.state.rests()).await?
            }
        };
        match order.state {
            State::Refunded => Ok(order.view()),
            State::Confirmed => {
                let told = self.saga.store.timeline(order.id).await?.pop();
                Err(kept(&order, told).into())
            }
            _ => Err(answer::open(&order).into()),
        }
    }
}

/// Why a confirmed order could not be cancelled: what shipping said.
fn kept(order: &StoredOrder, told: Option<TimelineEntry>) -> Problem {
    let (cause, detail) = told.map(|entry| (entry.cause, entry.detail)).unwrap_or_default();
    let code = if cause.ends_with("_refused") { Code::AlreadyShipped } else { Code::DependencyUnavailable };
    Problem::new(code, detail).at(answer::location(order))
}
