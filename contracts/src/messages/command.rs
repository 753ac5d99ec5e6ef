//! What the `orchestrated` coordination asks of a module, and what it is answered.
//!
//! A command is one call of a port, by message; its reply says how the call ended, in the words that a
//! caller over any wire would hear. The service does the same for both.

use serde::{Deserialize, Serialize};

use super::event::kind;
use super::{Address, Message, MessageId, Origin, Outgoing};
use crate::error::{Code, Effect, PortError};
use crate::inventory::{CommitStock, ReleaseStock, ReserveStock};
use crate::payments::{AuthorizePayment, CapturePayment, RefundPayment, VoidPayment};
use crate::shipping::{CancelShipment, ScheduleShipment};
use crate::types::{OrderId, Timestamp};

/// What orders ask of another module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Command {
    /// inventory: set the goods aside.
    ReserveStock(ReserveStock),
    /// inventory: the goods are sold.
    CommitStock(CommitStock),
    /// inventory: take the goods back.
    ReleaseStock(ReleaseStock),
    /// payments: hold the amount.
    AuthorizePayment(AuthorizePayment),
    /// payments: take the amount.
    CapturePayment(CapturePayment),
    /// payments: let the amount go.
    VoidPayment(VoidPayment),
    /// payments: give the amount back.
    RefundPayment(RefundPayment),
    /// shipping: book a carrier.
    ScheduleShipment(ScheduleShipment),
    /// shipping: call the carrier off, if the goods have not left.
    CancelShipment(CancelShipment),
    /// shipping: call the carrier off, even if the goods have left.
    RecallShipment(CancelShipment),
}

impl Command {
    /// The names of all commands.
    pub const NAMES: &'static [&'static str] = &[
        "reserve_stock",
        "commit_stock",
        "release_stock",
        "authorize_payment",
        "capture_payment",
        "void_payment",
        "refund_payment",
        "schedule_shipment",
        "cancel_shipment",
        "recall_shipment",
    ];

    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ReserveStock(_) => "reserve_stock",
            Self::CommitStock(_) => "commit_stock",
            Self::ReleaseStock(_) => "release_stock",
            Self::AuthorizePayment(_) => "authorize_payment",
            Self::CapturePayment(_) => "capture_payment",
            Self::VoidPayment(_) => "void_payment",
            Self::RefundPayment(_) => "refund_payment",
            Self::ScheduleShipment(_) => "schedule_shipment",
            Self::CancelShipment(_) => "cancel_shipment",
            Self::RecallShipment(_) => "recall_shipment",
        }
    }

    /// The module that it is for.
    pub fn module(&self) -> &'static str {
        match self {
            Self::ReserveStock(_) | Self::CommitStock(_) | Self::ReleaseStock(_) => "inventory",
            Self::AuthorizePayment(_)
            | Self::CapturePayment(_)
            | Self::VoidPayment(_)
            | Self::RefundPayment(_) => "payments",
            Self::ScheduleShipment(_) | Self::CancelShipment(_) | Self::RecallShipment(_) => "shipping",
        }
    }

    /// The order that it is about.
    pub fn subject(&self) -> OrderId {
        match self {
            Self::ReserveStock(request) => request.order_id,
            Self::CommitStock(request) => request.order_id,
            Self::ReleaseStock(request) => request.order_id,
            Self::AuthorizePayment(request) => request.order_id,
            Self::CapturePayment(request) => request.order_id,
            Self::VoidPayment(request) => request.order_id,
            Self::RefundPayment(request) => request.order_id,
            Self::ScheduleShipment(request) => request.order_id,
            Self::CancelShipment(request) | Self::RecallShipment(request) => request.order_id,
        }
    }

    /// The message that gives this command. Each giving is a message of its own: asking again must reach
    /// the module again, which answers a repetition as it answered the first time.
    pub fn message(&self, id: MessageId, sequence: u64, origin: &Origin, at: Timestamp) -> Outgoing {
        let message = Message {
            id,
            kind: kind("orders", self.name()),
            source: "orders".to_owned(),
            subject: self.subject(),
            sequence,
            coordination: origin.coordination,
            at,
            trace: origin.trace.clone(),
            data: serde_json::to_value(self).unwrap_or_default(),
        };
        Outgoing { to: Address::command(self.module()), message }
    }

    /// The command in `message`: nothing where it says something else, or in a version that this code
    /// does not know.
    pub fn read(message: &Message) -> Result<Option<Self>, serde_json::Error> {
        if !Self::NAMES.iter().any(|name| message.kind == kind("orders", name)) {
            return Ok(None);
        }
        Self::deserialize(&message.data).map(Some)
    }
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandReply {
    /// The order that it was about.
    pub order_id: OrderId,
    /// The name of the command.
    pub command: String,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a call ended, for somebody who only needs to know whether it succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Outcome {
    /// The module did what was asked.
    Done,
    /// It did not, or does not know.
    Failed {
        /// The text of a [`Code`].
        code: String,
        /// For people.
        detail: String,
        /// Whether the work may have happened all the same.
        may_have_happened: bool,
    },
}

impl Outcome {
    /// How a call of a port ended.
    pub fn of<T>(result: Result<T, PortError>) -> Self {
        match result {
            Ok(_) => Self::Done,
            Err(error) => {
                let may_have_happened = error.effect() == Effect::Unknown;
                let problem = error.into_problem();
                Self::Failed {
                    code: problem.code.as_str().to_owned(),
                    detail: problem.detail,
                    may_have_happened,
                }
            }
        }
    }

    /// The code of a failure, as far as this code knows it.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Done => None,
            Self::Failed { code, .. } => Some(Code::from_text(code).unwrap_or(Code::Internal)),
        }
    }
}

impl CommandReply {
    /// What the message of a reply says that it is.
    const NAME: &'static str = "replied";

    /// The message that `module` answers `cause` with: under one id however often `cause` comes.
    pub fn message(&self, module: &'static str, cause: &Message, origin: &Origin, at: Timestamp) -> Outgoing {
        let kind = kind(module, Self::NAME);
        let message = Message {
            id: cause.id.answered(module, &kind),
            kind,
            source: module.to_owned(),
            subject: self.order_id,
            sequence: cause.sequence,
            coordination: origin.coordination,
            at,
            trace: origin.trace.clone(),
            data: serde_json::to_value(self).unwrap_or_default(),
        };
        Outgoing { to: Address::reply(), message }
    }

    /// The reply in `message`: nothing where it says something else.
    pub fn read(message: &Message) -> Result<Option<Self>, serde_json::Error> {
        if message.kind != kind(&message.source, Self::NAME) {
            return Ok(None);
        }
        Self::deserialize(&message.data).map(Some)
    }
}
