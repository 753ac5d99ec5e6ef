//! The modules that orders call, faked. Each keeps its promises to an order (a repetition changes
//! nothing, a compensation refuses the late original) and answers a call as the test scripts it.

mod gate;
mod holdings;
pub mod ports;

use std::collections::{HashMap, VecDeque};

use contracts::{Code, Context, Effect, OrderId, PortResult, Problem, RemoteFailure, RemoteReason};
use parking_lot::Mutex;

pub use gate::Gate;
pub use holdings::Holdings;

/// What orders can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    Products,
    Quote,
    Reserve,
    Authorize,
    Schedule,
    Commit,
    Capture,
    /// Cancel the shipment, even if the goods have left.
    Recall,
    Void,
    Release,
    /// Cancel the shipment, if the goods have not left.
    CancelShipment,
    Refund,
}

/// How one call is answered.
#[derive(Debug, Clone)]
pub enum Answer {
    Done,
    Refused(Code),
    /// The call does not arrive, and the caller knows that.
    NotBegun,
    /// It is done, and the caller does not learn it.
    DoneUnheard,
    /// It is lost, and the caller does not learn it.
    LostUnheard,
    /// The call waits at the gate, and is then answered so.
    Held(Gate, Box<Answer>),
}

/// The modules that orders call.
#[derive(Default)]
pub struct Others {
    scripts: Mutex<HashMap<Call, VecDeque<Answer>>>,
    calls: Mutex<Vec<(Call, OrderId)>>,
    books: Mutex<HashMap<OrderId, Holdings>>,
}

impl Others {
    /// Answers the next calls of this kind so, one after the other; later ones are done.
    pub fn script(&self, call: Call, answers: impl IntoIterator<Item = Answer>) {
        self.scripts.lock().entry(call).or_default().extend(answers);
    }

    /// Lets the next call of this kind wait at a gate, then be answered so.
    pub fn hold(&self, call: Call, then: Answer) -> Gate {
        let gate = Gate::default();
        self.script(call, [Answer::Held(gate.clone(), Box::new(then))]);
        gate
    }

    /// How many calls of this kind were made.
    pub fn count(&self, call: Call) -> usize {
        self.calls.lock().iter().filter(|(made, _)| *made == call).count()
    }

    /// The calls that were made for an order, in their order.
    pub fn calls(&self, order: OrderId) -> Vec<Call> {
        self.calls.lock().iter().filter(|(_, of)| *of == order).map(|(call, _)| *call).collect()
    }

    /// What the modules hold for an order.
    pub fn holdings(&self, order: OrderId) -> Holdings {
        self.books.lock().get(&order).copied().unwrap_or_default()
    }

    /// Lets `calls` have happened for an order before the test begins.
    pub fn happened(&self, order: OrderId, calls: &[Call]) {
        for call in calls {
            self.happen(*call, order).expect("keeps the order of the steps");
        }
    }

    fn happen(&self, call: Call, order: OrderId) -> Result<(), Code> {
        self.books.lock().entry(order).or_default().apply(call)
    }

    fn next(&self, call: Call) -> Answer {
        self.scripts.lock().get_mut(&call).and_then(VecDeque::pop_front).unwrap_or(Answer::Done)
    }

    /// One call about an order.
    async fn serve(&self, ctx: &Context, call: Call, order: OrderId) -> PortResult<()> {
        assert_eq!((ctx.caller.as_str(), &ctx.idempotency_key), ("orders", &None), "{call:?} for {order}");
        self.calls.lock().push((call, order));
        let mut answer = self.next(call);
        while let Answer::Held(gate, then) = answer {
            gate.pass().await;
            answer = *then;
        }
        if ctx.deadline.passed() {
            return Err(Problem::new(Code::DeadlineExceeded, "too late to begin").into());
        }
        let refused = |code| Problem::new(code, format!("{call:?} is refused")).into();
        match answer {
            Answer::Refused(code) => Err(refused(code)),
            Answer::NotBegun => Err(failure(call, RemoteReason::NoInstance, Effect::None).into()),
            Answer::LostUnheard => Err(failure(call, RemoteReason::TimedOut, Effect::Unknown).into()),
            Answer::DoneUnheard => {
                self.happen(call, order).map_err(refused)?;
                Err(failure(call, RemoteReason::TimedOut, Effect::Unknown).into())
            }
            Answer::Done | Answer::Held(..) => self.happen(call, order).map_err(refused),
        }
    }
}

fn failure(call: Call, reason: RemoteReason, effect: Effect) -> RemoteFailure {
    let (operation, wire) = (format!("{call:?}"), "fake".to_owned());
    RemoteFailure { operation, wire, reason, effect, detail: "as the test scripts it".into() }
}
