//! The inventory's requests and replies as protobuf.

use super::Proto;
use super::convert::{Numbered, into_list, list, missing, numbered, order_id_requests, pages, required};
use super::pb::inventory::{self as pb, inventory_record::Record, watch_request::Change};
use crate::error::Problem;
use crate::inventory::{
    CommitStock, GetReservation, GetStock, InventoryRecord, ReleaseStock, Reservation, ReservationStatus,
    ReserveStock, StockAccount, StockLevel, WatchStock,
};
use crate::types::{OrderId, Sku};

order_id_requests! {
    CommitStock => pb::CommitRequest;
    ReleaseStock => pb::ReleaseRequest;
    GetReservation => pb::ReservationRequest;
}

pages! {
    InventoryRecord => pb::InventoryRecordPage;
}

numbered! {
    ReservationStatus => pb::ReservationStatus { Reserved, Committed, Released, Expired }
}

impl Proto for GetStock {
    type Message = pb::StockRequest;

    fn into_message(self) -> Self::Message {
        Self::Message { sku: self.sku.0 }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self { sku: Sku(message.sku) })
    }
}

impl Proto for StockLevel {
    type Message = pb::StockLevel;

    fn into_message(self) -> Self::Message {
        Self::Message {
            sku: self.sku.0,
            available: self.available,
            reserved: self.reserved,
            version: self.version,
        }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self {
            sku: Sku(message.sku),
            available: message.available,
            reserved: message.reserved,
            version: message.version,
        })
    }
}

impl Proto for ReserveStock {
    type Message = pb::ReserveRequest;

    fn into_message(self) -> Self::Message {
        Self::Message { order_id: self.order_id.to_string(), lines: into_list(self.lines) }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self {
            order_id: OrderId::parse("order_id", &message.order_id)?,
            lines: list("lines", message.lines)?,
        })
    }
}

impl Proto for Reservation {
    type Message = pb::Reservation;

    fn into_message(self) -> Self::Message {
        Self::Message {
            order_id: self.order_id.to_string(),
            status: self.status.number(),
            lines: into_list(self.lines),
            expires_at: Some(self.expires_at.into_message()),
        }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self {
            order_id: OrderId::parse("order_id", &message.order_id)?,
            status: ReservationStatus::from_number("status", message.status)?,
            lines: list("lines", message.lines)?,
            expires_at: required("expires_at", message.expires_at)?,
        })
    }
}

impl Proto for WatchStock {
    type Message = pb::WatchRequest;

    fn into_message(self) -> Self::Message {
        let change = match self {
            Self::Add(sku) => Change::Add(sku.0),
            Self::Drop(sku) => Change::Drop(sku.0),
        };
        Self::Message { change: Some(change) }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        match message.change.ok_or_else(|| missing("change"))? {
            Change::Add(sku) => Ok(Self::Add(Sku(sku))),
            Change::Drop(sku) => Ok(Self::Drop(Sku(sku))),
        }
    }
}

impl Proto for InventoryRecord {
    type Message = pb::InventoryRecord;

    fn into_message(self) -> Self::Message {
        let record = match self {
            Self::Account(account) => Record::Account(account.into_message()),
            Self::Claim(claim) => Record::Claim(claim.into_message()),
        };
        Self::Message { record: Some(record) }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        match message.record.ok_or_else(|| missing("record"))? {
            Record::Account(account) => required("account", Some(account)).map(Self::Account),
            Record::Claim(claim) => required("claim", Some(claim)).map(Self::Claim),
        }
    }
}

impl Proto for StockAccount {
    type Message = pb::StockAccount;

    fn into_message(self) -> Self::Message {
        Self::Message {
            sku: self.sku.0,
            initial: self.initial,
            available: self.available,
            reserved: self.reserved,
            sold: self.sold,
        }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self {
            sku: Sku(message.sku),
            initial: message.initial,
            available: message.available,
            reserved: message.reserved,
            sold: message.sold,
        })
    }
}
