//! The payments' requests and replies as protobuf.

use super::convert::{Numbered, numbered, optional, order_id_requests, pages, required};
use super::{Proto, pb::payments as pb};
use crate::error::Problem;
use crate::payments::{
    AuditedPayment, AuthorizePayment, CapturePayment, CardToken, GetPayment, NetworkRecord, Payment,
    PaymentStatus, Posting, RefundPayment, VoidPayment,
};
use crate::types::OrderId;

order_id_requests! {
    CapturePayment => pb::CaptureRequest;
    VoidPayment => pb::VoidRequest;
    RefundPayment => pb::RefundRequest;
    GetPayment => pb::PaymentRequest;
}

pages! {
    Posting => pb::PostingPage;
    AuditedPayment => pb::AuditedPaymentPage;
}

numbered! {
    PaymentStatus => pb::PaymentStatus {
        Authorizing, Authorized, Declined, Capturing, Captured, Voiding, Voided, Refunding, Refunded,
    }
}

impl Proto for AuthorizePayment {
    type Message = pb::AuthorizeRequest;

    fn into_message(self) -> Self::Message {
        Self::Message {
            order_id: self.order_id.to_string(),
            amount: Some(self.amount.into_message()),
            card: self.card.0,
        }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self {
            order_id: OrderId::parse("order_id", &message.order_id)?,
            amount: required("amount", message.amount)?,
            card: CardToken(message.card),
        })
    }
}

impl Proto for Payment {
    type Message = pb::Payment;

    fn into_message(self) -> Self::Message {
        Self::Message {
            order_id: self.order_id.to_string(),
            status: self.status.number(),
            amount: self.amount.map(Proto::into_message),
            updated_at: Some(self.updated_at.into_message()),
        }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self {
            order_id: OrderId::parse("order_id", &message.order_id)?,
            status: PaymentStatus::from_number("status", message.status)?,
            amount: optional("amount", message.amount)?,
            updated_at: required("updated_at", message.updated_at)?,
        })
    }
}

impl Proto for Posting {
    type Message = pb::Posting;

    fn into_message(self) -> Self::Message {
        Self::Message {
            id: self.id,
            transfer: self.transfer,
            order_id: self.order_id.to_string(),
            account: self.account,
            amount: Some(self.amount.into_message()),
            posted_at: Some(self.posted_at.into_message()),
        }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self {
            id: message.id,
            transfer: message.transfer,
            order_id: OrderId::parse("order_id", &message.order_id)?,
            account: message.account,
            amount: required("amount", message.amount)?,
            posted_at: required("posted_at", message.posted_at)?,
        })
    }
}

impl Proto for AuditedPayment {
    type Message = pb::AuditedPayment;

    fn into_message(self) -> Self::Message {
        Self::Message {
            payment: Some(self.payment.into_message()),
            network: self.network.map(Proto::into_message),
        }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self {
            payment: required("payment", message.payment)?,
            network: optional("network", message.network)?,
        })
    }
}

impl Proto for NetworkRecord {
    type Message = pb::NetworkRecord;

    fn into_message(self) -> Self::Message {
        let Self { holds, captures, captured, refunded } = self;
        Self::Message { holds, captures, captured, refunded }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        let Self::Message { holds, captures, captured, refunded } = message;
        Ok(Self { holds, captures, captured, refunded })
    }
}
