//! The saga of an order, as a pure state machine. Every coordination drives this one.
//!
//! ```text
//! reserving → authorizing → scheduling → committing → capturing → confirmed
//!     │            │             │            │            │           │ (customer cancels)
//!     ▼            └─────────────┴─────┬──────┴────────────┘           ▼
//!  rejected                            ▼                          cancelling → reversing → refunded
//!                                compensating → cancelled
//! ```
//!
//! Capture is the pivot and comes last: before it a failure undoes what was done; once it may have
//! happened there is only forward. What is undone is undone in any order and however often it takes:
//! each service answers a repetition as it answered the first time, and remembers a compensation for
//! an order that it has not seen.

use std::collections::BTreeSet;

use contracts::Code;
use contracts::orders::{Direction, OrderStatus};
use serde::{Deserialize, Serialize};

/// How far an order has come. The names are stored, and stand in timelines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waits for the goods to be set aside.
    Reserving,
    /// Waits for the amount to be held.
    Authorizing,
    /// Waits for a carrier.
    Scheduling,
    /// Waits for the goods to be sold.
    Committing,
    /// Waits for the amount to be paid out.
    Capturing,
    /// Done.
    Confirmed,
    /// Waits until these are undone; ends `Cancelled`.
    Compensating(BTreeSet<Undo>),
    /// Ended: the goods were not there.
    Rejected,
    /// Ended: everything was undone.
    Cancelled,
    /// The customer wants out: waits for shipping to let go.
    Cancelling,
    /// Waits until these are undone; ends `Refunded`.
    Reversing(BTreeSet<Reverse>),
    /// Ended: the money is back.
    Refunded,
}

/// What is to be undone of an order that was never confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undo {
    /// Call the carrier off.
    Shipment,
    /// Let the held amount go.
    Payment,
    /// Give the goods back.
    Stock,
}

/// What is to be undone of an order that was confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reverse {
    /// Give the money back.
    Payment,
    /// Put the goods back on the shelf.
    Stock,
}

/// What a state asks another module to do. The names are stored, and are those of commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// inventory: set the goods aside.
    ReserveStock,
    /// payments: hold the amount.
    AuthorizePayment,
    /// shipping: book a carrier.
    ScheduleShipment,
    /// inventory: the goods are sold.
    CommitStock,
    /// payments: take the amount.
    CapturePayment,
    /// shipping: call the carrier off, even if the goods have left.
    RecallShipment,
    /// payments: let the amount go.
    VoidPayment,
    /// inventory: take the goods back, reserved or sold.
    ReleaseStock,
    /// shipping: call the carrier off, if the goods have not left.
    CancelShipment,
    /// payments: give the amount back.
    RefundPayment,
}

impl Effect {
    /// The effect of that name.
    pub fn named(name: &str) -> Option<Self> {
        let name = serde::de::value::StrDeserializer::<serde::de::value::Error>::new(name);
        Self::deserialize(name).ok()
    }

    /// Which way it goes.
    pub fn direction(self) -> Direction {
        match self {
            Self::ReserveStock
            | Self::AuthorizePayment
            | Self::ScheduleShipment
            | Self::CommitStock
            | Self::CapturePayment => Direction::Forward,
            Self::RecallShipment
            | Self::VoidPayment
            | Self::ReleaseStock
            | Self::CancelShipment
            | Self::RefundPayment => Direction::Compensation,
        }
    }
}

/// What moves an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// The other module did what this effect asked.
    Done(Effect),
    /// The other module decided against it.
    Refused(Effect, Reason),
    /// The other module could not be asked: nothing happened there.
    NotBegun(Effect, Reason),
    /// Whether the other module did it is not known.
    Unknown(Effect, Reason),
    /// The customer wants out of a confirmed order.
    CancelRequested,
}

/// Why something was refused or failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// What kind.
    #[serde(with = "code_text")]
    pub code: Code,
    /// For people.
    pub detail: String,
}

impl Reason {
    /// The same, for the order that ends because of it: that an outcome was open mattered while it was,
    /// and is settled by the time anybody reads this.
    pub fn settled(self) -> Self {
        let open = self.code.effect() == contracts::Effect::Unknown;
        Self { code: if open { Code::DependencyUnavailable } else { self.code }, ..self }
    }
}

/// What an input does to a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The order moves on, and asks for these.
    Moved {
        /// The new state.
        state: State,
        /// What is to be asked for now; what was asked for before stands.
        effects: Vec<Effect>,
    },
    /// The order stays where it is, and asks again later.
    Waits,
    /// The input came twice, or too late to matter.
    Ignored,
}

/// What `input` does to an order in `state`.
pub fn step(state: &State, input: &Input) -> Step {
    use Effect::*;
    match (state, input) {
        (State::Reserving, Input::Done(ReserveStock)) => forward(State::Authorizing),
        (State::Authorizing, Input::Done(AuthorizePayment)) => forward(State::Scheduling),
        (State::Scheduling, Input::Done(ScheduleShipment)) => forward(State::Committing),
        (State::Committing, Input::Done(CommitStock)) => forward(State::Capturing),
        (State::Capturing, Input::Done(CapturePayment)) => forward(State::Confirmed),

        // before the pivot: undo what was done, and what may have been done
        (State::Reserving, Input::Refused(ReserveStock, _)) => forward(State::Rejected),
        (State::Reserving, Input::NotBegun(ReserveStock, _)) => forward(State::Cancelled),
        (State::Reserving, Input::Unknown(ReserveStock, _)) => compensate([Undo::Stock]),
        (State::Authorizing, Input::Refused(AuthorizePayment, _) | Input::NotBegun(AuthorizePayment, _)) => {
            compensate([Undo::Stock])
        }
        (State::Authorizing, Input::Unknown(AuthorizePayment, _))
        | (State::Scheduling, Input::Refused(ScheduleShipment, _) | Input::NotBegun(ScheduleShipment, _)) => {
            compensate([Undo::Payment, Undo::Stock])
        }
        (State::Scheduling, Input::Unknown(ScheduleShipment, _))
        | (
            State::Committing,
            Input::Refused(CommitStock, _) | Input::NotBegun(CommitStock, _) | Input::Unknown(CommitStock, _),
        ) => compensate([Undo::Shipment, Undo::Payment, Undo::Stock]),

        // the pivot: a plain no can still be undone; an open outcome can only be asked about again
        (State::Capturing, Input::Refused(CapturePayment, _) | Input::NotBegun(CapturePayment, _)) => {
            compensate([Undo::Shipment, Undo::Payment, Undo::Stock])
        }
        (State::Capturing, Input::Unknown(CapturePayment, _)) => Step::Waits,

        (State::Compensating(open), Input::Done(effect)) => match undone(*effect) {
            Some(undo) => less(open, undo, State::Compensating, State::Cancelled),
            None => Step::Ignored,
        },

        // the customer wants out
        (State::Confirmed, Input::CancelRequested) => forward(State::Cancelling),
        (State::Cancelling, Input::Done(CancelShipment)) => {
            forward(State::Reversing(BTreeSet::from([Reverse::Payment, Reverse::Stock])))
        }
        (State::Cancelling, Input::Refused(CancelShipment, _) | Input::NotBegun(CancelShipment, _)) => {
            Step::Moved { state: State::Confirmed, effects: Vec::new() }
        }
        (State::Reversing(open), Input::Done(effect)) => match reversed(*effect) {
            Some(reverse) => less(open, reverse, State::Reversing, State::Refunded),
            None => Step::Ignored,
        },

        // what must be undone is asked for until it is
        (
            State::Compensating(_) | State::Cancelling | State::Reversing(_),
            Input::Refused(effect, _) | Input::NotBegun(effect, _) | Input::Unknown(effect, _),
        ) if awaited(state).contains(effect) => Step::Waits,
        _ => Step::Ignored,
    }
}

/// What an order in `state` waits for: what recovery asks again.
pub fn awaited(state: &State) -> Vec<Effect> {
    match state {
        State::Reserving => vec![Effect::ReserveStock],
        State::Authorizing => vec![Effect::AuthorizePayment],
        State::Scheduling => vec![Effect::ScheduleShipment],
        State::Committing => vec![Effect::CommitStock],
        State::Capturing => vec![Effect::CapturePayment],
        State::Compensating(open) => open
            .iter()
            .map(|undo| match undo {
                Undo::Shipment => Effect::RecallShipment,
                Undo::Payment => Effect::VoidPayment,
                Undo::Stock => Effect::ReleaseStock,
            })
            .collect(),
        State::Cancelling => vec![Effect::CancelShipment],
        State::Reversing(open) => open
            .iter()
            .map(|reverse| match reverse {
                Reverse::Payment => Effect::RefundPayment,
                Reverse::Stock => Effect::ReleaseStock,
            })
            .collect(),
        State::Confirmed | State::Rejected | State::Cancelled | State::Refunded => Vec::new(),
    }
}

fn forward(state: State) -> Step {
    let effects = awaited(&state);
    Step::Moved { state, effects }
}

fn compensate<const N: usize>(open: [Undo; N]) -> Step {
    forward(State::Compensating(BTreeSet::from(open)))
}

fn undone(effect: Effect) -> Option<Undo> {
    match effect {
        Effect::RecallShipment => Some(Undo::Shipment),
        Effect::VoidPayment => Some(Undo::Payment),
        Effect::ReleaseStock => Some(Undo::Stock),
        _ => None,
    }
}

fn reversed(effect: Effect) -> Option<Reverse> {
    match effect {
        Effect::RefundPayment => Some(Reverse::Payment),
        Effect::ReleaseStock => Some(Reverse::Stock),
        _ => None,
    }
}

fn less<T: Ord + Copy>(open: &BTreeSet<T>, done: T, rest: fn(BTreeSet<T>) -> State, end: State) -> Step {
    if !open.contains(&done) {
        return Step::Ignored;
    }
    let open: BTreeSet<T> = open.iter().copied().filter(|item| *item != done).collect();
    let state = if open.is_empty() { end } else { rest(open) };
    Step::Moved { state, effects: Vec::new() }
}

impl State {
    /// Its name in timelines, logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Reserving => "reserving",
            Self::Authorizing => "authorizing",
            Self::Scheduling => "scheduling",
            Self::Committing => "committing",
            Self::Capturing => "capturing",
            Self::Confirmed => "confirmed",
            Self::Compensating(_) => "compensating",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
            Self::Cancelling => "cancelling",
            Self::Reversing(_) => "reversing",
            Self::Refunded => "refunded",
        }
    }

    /// How the order stands in the customer's words.
    pub fn status(&self) -> OrderStatus {
        match self {
            Self::Reserving
            | Self::Authorizing
            | Self::Scheduling
            | Self::Committing
            | Self::Capturing
            | Self::Compensating(_) => OrderStatus::Placed,
            Self::Confirmed | Self::Cancelling | Self::Reversing(_) => OrderStatus::Confirmed,
            Self::Rejected => OrderStatus::Rejected,
            Self::Cancelled => OrderStatus::Cancelled,
            Self::Refunded => OrderStatus::Refunded,
        }
    }

    /// Whether the order rests: nobody needs to do anything for it.
    pub fn rests(&self) -> bool {
        awaited(self).is_empty()
    }
}

impl Input {
    /// Its name in timelines.
    pub fn name(&self) -> String {
        let done = |effect: &Effect| match effect {
            Effect::ReserveStock => "stock_reserved",
            Effect::AuthorizePayment => "payment_authorized",
            Effect::ScheduleShipment => "shipment_scheduled",
            Effect::CommitStock => "stock_committed",
            Effect::CapturePayment => "payment_captured",
            Effect::RecallShipment | Effect::CancelShipment => "shipment_cancelled",
            Effect::VoidPayment => "payment_voided",
            Effect::ReleaseStock => "stock_released",
            Effect::RefundPayment => "payment_refunded",
        };
        let asked = |effect: &Effect| match effect {
            Effect::ReserveStock => "reserve_stock",
            Effect::AuthorizePayment => "authorize_payment",
            Effect::ScheduleShipment => "schedule_shipment",
            Effect::CommitStock => "commit_stock",
            Effect::CapturePayment => "capture_payment",
            Effect::RecallShipment | Effect::CancelShipment => "cancel_shipment",
            Effect::VoidPayment => "void_payment",
            Effect::ReleaseStock => "release_stock",
            Effect::RefundPayment => "refund_payment",
        };
        match self {
            Self::Done(effect) => done(effect).to_owned(),
            Self::Refused(effect, _) => format!("{}_refused", asked(effect)),
            Self::NotBegun(effect, _) => format!("{}_not_possible", asked(effect)),
            Self::Unknown(effect, _) => format!("{}_outcome_open", asked(effect)),
            Self::CancelRequested => "cancel_requested".to_owned(),
        }
    }

    /// The same answer to a question that may have been asked before: that this call never began does
    /// not mean that nothing happened, because an earlier one may have.
    pub fn of_a_repetition(self) -> Self {
        match self {
            Self::NotBegun(effect, reason) => Self::Unknown(effect, reason),
            other => other,
        }
    }

    /// Whether `other` says the same, perhaps in other words.
    pub fn answers_as(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other) && self.effect() == other.effect()
    }

    fn effect(&self) -> Option<Effect> {
        match self {
            Self::Done(effect)
            | Self::Refused(effect, _)
            | Self::NotBegun(effect, _)
            | Self::Unknown(effect, _) => Some(*effect),
            Self::CancelRequested => None,
        }
    }

    /// Which way the step goes that it causes.
    pub fn direction(&self) -> Direction {
        match self {
            Self::Done(effect) => effect.direction(),
            _ => Direction::Compensation,
        }
    }

    /// Why, where it is not a success.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Refused(_, reason) | Self::NotBegun(_, reason) | Self::Unknown(_, reason) => Some(reason),
            Self::Done(_) | Self::CancelRequested => None,
        }
    }
}

mod code_text {
    use contracts::Code;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(code: &Code, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(code.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Code, D::Error> {
        let text = String::deserialize(deserializer)?;
        Code::from_text(&text).ok_or_else(|| serde::de::Error::custom(format!("unknown code {text:?}")))
    }
}

#[cfg(test)]
mod tests;
