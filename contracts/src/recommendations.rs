//! Recommendations: what others bought who bought the same. A read model, built from the events of orders
//! and nothing else; optional everywhere.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operation::Operation;
use crate::types::{CustomerId, OrderId, Page, PageRequest, Sku};
use crate::{Context, PortResult};

/// What others ask of recommendations.
#[async_trait]
pub trait Recommendations: Send + Sync + 'static {
    /// What is bought together with a product, most often first. Nothing where nobody bought it.
    async fn for_product(&self, ctx: &Context, request: RecommendForProduct) -> PortResult<Recommended>;

    /// What goes with all that a customer has bought, and they have not; best first.
    async fn for_customer(&self, ctx: &Context, request: RecommendForCustomer) -> PortResult<Recommended>;

    /// Every order that the model is made of, page by page, for `tradewind audit`.
    async fn audit(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<ProjectedOrder>>;
}

/// `for_product`
pub const FOR_PRODUCT: Operation =
    Operation::read("recommendations", "for_product", "/recommendations/products/{sku}")
        .grpc("/tradewind.recommendations.v1.Recommendations/ForProduct");
/// `for_customer`
pub const FOR_CUSTOMER: Operation =
    Operation::read("recommendations", "for_customer", "/recommendations/customers/{customer_id}")
        .grpc("/tradewind.recommendations.v1.Recommendations/ForCustomer");
/// `audit`
pub const AUDIT: Operation = Operation::read("recommendations", "audit", "/audit/recommendations")
    .grpc("/tradewind.recommendations.v1.Recommendations/Audit");

/// Every operation of the port.
pub const OPERATIONS: &[&Operation] = &[&FOR_PRODUCT, &FOR_CUSTOMER, &AUDIT];

/// Asks what goes with a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecommendForProduct {
    /// Which.
    pub sku: Sku,
    /// How many at the most, 1 to 50; 5 where it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Asks what goes with what a customer bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecommendForCustomer {
    /// Whose.
    pub customer_id: CustomerId,
    /// How many at the most, 1 to 50; 5 where it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// What goes with something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Recommended {
    /// Best first; equals by SKU.
    pub items: Vec<Recommendation>,
    /// How far the model has read the event log: the offset of the next event. It tells two answers apart.
    pub as_of: u64,
}

/// A product that goes with something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Recommendation {
    /// Which.
    pub sku: Sku,
    /// In how many confirmed orders it was bought together with it.
    pub together: u32,
}

/// An order that the model is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectedOrder {
    /// Which.
    pub order_id: OrderId,
    /// Whose.
    pub customer_id: CustomerId,
    /// What was bought.
    pub skus: Vec<Sku>,
    /// Whether it counts: it was confirmed, and not refunded.
    pub standing: Standing,
}

/// Whether an order counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It was confirmed.
    Counts,
    /// It was refunded.
    Withdrawn,
}
