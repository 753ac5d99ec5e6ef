//! What whoever placed an order is told, once that is decided; stored with the idempotency key, so that
//! a repetition is told the same.

use chassis::store::StoreError;
use contracts::error::ProblemJson;
use contracts::orders::Order;
use contracts::{Code, PortError, PortResult, Problem};
use serde::{Deserialize, Serialize};

use crate::domain::State;
use crate::store::StoredOrder;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Order(Order),
    Problem(ProblemJson),
}

/// The address of an order.
pub(crate) fn location(order: &StoredOrder) -> String {
    format!("/orders/{}", order.id)
}

/// What to tell about `order` as it stands: itself once it was confirmed, the reason where it was not,
/// and that it is not known yet while it is under way.
pub(crate) fn of(order: &StoredOrder) -> PortResult<Order> {
    match decided(order) {
        Some(answer) => answer.map_err(PortError::from),
        None => Err(open(order).into()),
    }
}

/// What to tell somebody who waits no longer: the same, and the order itself while it is under way.
pub(crate) fn as_it_stands(order: &StoredOrder) -> PortResult<Order> {
    match decided(order) {
        Some(answer) => answer.map_err(PortError::from),
        None => Ok(order.view()),
    }
}

/// Whether it is decided what whoever placed `order` is told.
pub(crate) fn is_decided(order: &StoredOrder) -> bool {
    decided(order).is_some()
}

/// What to store beside the key, where `order` is at a point that decides it.
pub(crate) fn to_store(order: &StoredOrder) -> Option<String> {
    let answer = match decided(order)? {
        Ok(order) => Answer::Order(order),
        Err(problem) => Answer::Problem(ProblemJson::new(&problem, None)),
    };
    serde_json::to_string(&answer).ok()
}

/// What was stored.
pub(crate) fn from_store(text: &str) -> Option<PortResult<Order>> {
    match serde_json::from_str(text).ok()? {
        Answer::Order(order) => Some(Ok(order)),
        Answer::Problem(problem) => Some(Err(problem.into_problem()?.into())),
    }
}

/// That the time was up with the outcome open: the order goes on by itself.
pub(crate) fn open(order: &StoredOrder) -> Problem {
    let detail = format!("order {} is still under way; look at its address for how it ends", order.id);
    Problem::new(Code::OutcomeUnknown, detail).at(location(order))
}

/// That another cancellation came first, and is not done yet.
pub(crate) fn being_cancelled(order: &StoredOrder) -> Problem {
    let detail =
        format!("the cancellation of order {} is under way; its address tells how it ends", order.id);
    Problem::new(Code::InProgress, detail).at(location(order))
}

/// What to tell where the database failed to store something about `order`. A commit that was not
/// confirmed may have happened, and then the order goes on by itself: the customer must not be told to
/// try again, but where to look.
pub(crate) fn unstored(order: &StoredOrder, error: StoreError) -> PortError {
    let told = PortError::from(error);
    if told.code() != Some(Code::OutcomeUnknown) {
        return told;
    }
    let detail = format!(
        "the database did not say whether it stored this for order {}; look at its address for what became of it",
        order.id
    );
    Problem::new(Code::OutcomeUnknown, detail).at(location(order)).into()
}

fn decided(order: &StoredOrder) -> Option<Result<Order, Problem>> {
    match order.state {
        State::Rejected | State::Cancelled => {
            let (code, detail) = match &order.reason {
                Some(reason) => (reason.code, reason.detail.clone()),
                None => (Code::Conflict, "the order was cancelled".to_owned()),
            };
            Some(Err(Problem::new(code, detail).at(location(order))))
        }
        State::Confirmed | State::Cancelling | State::Reversing(_) | State::Refunded => {
            Some(Ok(order.view()))
        }
        _ => None,
    }
}
