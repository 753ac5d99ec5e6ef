//! The shipping's requests and replies as protobuf.

use super::convert::{Numbered, numbered, order_id_requests, pages, required};
use super::{Proto, pb::shipping as pb};
use crate::error::Problem;
use crate::shipping::{
    CancelShipment, GetShipment, Quote, QuoteShipping, Recall, ScheduleShipment, Shipment, ShipmentStatus,
    TrackShipment, TrackingEvent,
};
use crate::types::OrderId;

order_id_requests! {
    GetShipment => pb::ShipmentRequest;
    TrackShipment => pb::TrackRequest;
}

pages! {
    Shipment => pb::ShipmentPage;
}

numbered! {
    ShipmentStatus => pb::ShipmentStatus { Scheduled, Shipped, Delivered, Cancelled }
    Recall => pb::Recall { Never, IfShipped }
}

impl Proto for QuoteShipping {
    type Message = pb::QuoteRequest;

    fn into_message(self) -> Self::Message {
        Self::Message { country: self.country, weight_grams: self.weight_grams }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self { country: message.country, weight_grams: message.weight_grams })
    }
}

impl Proto for Quote {
    type Message = pb::Quote;

    fn into_message(self) -> Self::Message {
        Self::Message { carrier: self.carrier, price: Some(self.price.into_message()), days: self.days }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self { carrier: message.carrier, price: required("price", message.price)?, days: message.days })
    }
}

impl Proto for ScheduleShipment {
    type Message = pb::ScheduleRequest;

    fn into_message(self) -> Self::Message {
        Self::Message {
            order_id: self.order_id.to_string(),
            address: Some(self.address.into_message()),
            weight_grams: self.weight_grams,
        }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self {
            order_id: OrderId::parse("order_id", &message.order_id)?,
            address: required("address", message.address)?,
            weight_grams: message.weight_grams,
        })
    }
}

impl Proto for CancelShipment {
    type Message = pb::CancelRequest;

    fn into_message(self) -> Self::Message {
        Self::Message { order_id: self.order_id.to_string(), recall: self.recall.number() }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self {
            order_id: OrderId::parse("order_id", &message.order_id)?,
            recall: Recall::from_number("recall", message.recall)?,
        })
    }
}

impl Proto for Shipment {
    type Message = pb::Shipment;

    fn into_message(self) -> Self::Message {
        Self::Message {
            order_id: self.order_id.to_string(),
            status: self.status.number(),
            carrier: self.carrier,
            tracking_number: self.tracking_number,
            updated_at: Some(self.updated_at.into_message()),
        }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self {
            order_id: OrderId::parse("order_id", &message.order_id)?,
            status: ShipmentStatus::from_number("status", message.status)?,
            carrier: message.carrier,
            tracking_number: message.tracking_number,
            updated_at: required("updated_at", message.updated_at)?,
        })
    }
}

impl Proto for TrackingEvent {
    type Message = pb::TrackingEvent;

    fn into_message(self) -> Self::Message {
        Self::Message {
            order_id: self.order_id.to_string(),
            sequence: self.sequence,
            status: self.status.number(),
            note: self.note,
            at: Some(self.at.into_message()),
        }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self {
            order_id: OrderId::parse("order_id", &message.order_id)?,
            sequence: message.sequence,
            status: ShipmentStatus::from_number("status", message.status)?,
            note: message.note,
            at: required("at", message.at)?,
        })
    }
}
