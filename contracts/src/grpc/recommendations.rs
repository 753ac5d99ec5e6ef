//! The recommendations' requests and replies as protobuf.

use super::convert::{Numbered, into_list, list, numbered, pages};
use super::{Proto, pb::recommendations as pb};
use crate::error::Problem;
use crate::recommendations::{
    ProjectedOrder, RecommendForCustomer, RecommendForProduct, Recommendation, Recommended, Standing,
};
use crate::types::{CustomerId, OrderId, Sku};

pages! {
    ProjectedOrder => pb::ProjectedOrderPage;
}

numbered! {
    Standing => pb::Standing { Counts, Withdrawn }
}

impl Proto for RecommendForProduct {
    type Message = pb::ForProductRequest;

    fn into_message(self) -> Self::Message {
        Self::Message { sku: self.sku.0, limit: self.limit }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self { sku: Sku(message.sku), limit: message.limit })
    }
}

impl Proto for RecommendForCustomer {
    type Message = pb::ForCustomerRequest;

    fn into_message(self) -> Self::Message {
        Self::Message { customer_id: self.customer_id.0, limit: self.limit }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self { customer_id: CustomerId(message.customer_id), limit: message.limit })
    }
}

impl Proto for Recommended {
    type Message = pb::Recommended;

    fn into_message(self) -> Self::Message {
        Self::Message { items: into_list(self.items), as_of: self.as_of }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self { items: list("items", message.items)?, as_of: message.as_of })
    }
}

impl Proto for Recommendation {
    type Message = pb::Recommendation;

    fn into_message(self) -> Self::Message {
        Self::Message { sku: self.sku.0, together: self.together }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self { sku: Sku(message.sku), together: message.together })
    }
}

impl Proto for ProjectedOrder {
    type Message = pb::ProjectedOrder;

    fn into_message(self) -> Self::Message {
        Self::Message {
            order_id: self.order_id.to_string(),
            customer_id: self.customer_id.0,
            skus: self.skus.into_iter().map(|sku| sku.0).collect(),
            standing: self.standing.number(),
        }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self {
            order_id: OrderId::parse("order_id", &message.order_id)?,
            customer_id: CustomerId(message.customer_id),
            skus: message.skus.into_iter().map(Sku).collect(),
            standing: Standing::from_number("standing", message.standing)?,
        })
    }
}
