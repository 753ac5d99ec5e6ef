//! The catalog: what the shop sells. Read-mostly.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operation::Operation;
use crate::types::{Money, Page, PageRequest, Sku};
use crate::{Context, PortResult};

/// What other modules ask of the catalog.
#[async_trait]
pub trait Catalog: Send + Sync + 'static {
    /// Products in the order of their SKU, of one category or of all.
    async fn list(&self, ctx: &Context, request: ListProducts) -> PortResult<Page<Product>>;

    /// Products whose name, description or category has every word of the query, best first.
    async fn search(&self, ctx: &Context, request: SearchProducts) -> PortResult<Page<Product>>;

    /// One product. `unknown_sku` where there is none.
    async fn product(&self, ctx: &Context, request: GetProduct) -> PortResult<Product>;

    /// Several products at once, in the order asked for. `unknown_sku` names every one that is missing.
    async fn products(&self, ctx: &Context, request: GetProducts) -> PortResult<Products>;

    /// Every product with its version, page by page, for `tradewind audit`.
    async fn audit(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<AuditedProduct>>;
}

/// `list`
pub const LIST: Operation =
    Operation::read("catalog", "list", "/products").grpc("/tradewind.catalog.v1.Catalog/List");
/// `search`
pub const SEARCH: Operation =
    Operation::read("catalog", "search", "/products/search").grpc("/tradewind.catalog.v1.Catalog/Search");
/// `product`
pub const PRODUCT: Operation =
    Operation::read("catalog", "product", "/products/{sku}").grpc("/tradewind.catalog.v1.Catalog/Product");
/// `products`
pub const PRODUCTS: Operation =
    Operation::read("catalog", "products", "/products/batch").grpc("/tradewind.catalog.v1.Catalog/Products");
/// `audit`
pub const AUDIT: Operation =
    Operation::read("catalog", "audit", "/audit/catalog").grpc("/tradewind.catalog.v1.Catalog/Audit");

/// Every operation of the port.
pub const OPERATIONS: &[&Operation] = &[&LIST, &SEARCH, &PRODUCT, &PRODUCTS, &AUDIT];

/// Asks for a page of products.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListProducts {
    /// Only of this category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Which page.
    #[serde(flatten)]
    pub page: PageRequest,
}

/// Asks for products by words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SearchProducts {
    /// 1 to 100 characters; every word must occur.
    pub query: String,
    /// Which page.
    #[serde(flatten)]
    pub page: PageRequest,
}

/// Asks for one product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GetProduct {
    /// Which.
    pub sku: Sku,
}

/// Asks for several products: 1 to 100.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GetProducts {
    /// Which, without repetition; on REST separated by commas.
    #[serde(with = "comma_separated")]
    #[schemars(with = "String")]
    pub skus: Vec<Sku>,
}

/// Several products.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Products {
    /// In the order asked for.
    pub products: Vec<Product>,
}

/// Something the shop sells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Product {
    /// Its name to machines.
    pub sku: Sku,
    /// Its name to people.
    pub name: String,
    /// A sentence or two.
    pub description: String,
    /// Its shelf: `kitchen`.
    pub category: String,
    /// What one costs.
    pub price: Money,
    /// What one weighs, packed, in grams.
    pub weight_grams: u32,
    /// Rises with every change.
    pub version: u64,
}

/// A product as the audit sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditedProduct {
    /// Which.
    pub sku: Sku,
    /// What one costs now.
    pub price: Money,
    /// Its version.
    pub version: u64,
}

/// What the catalog tells the world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum CatalogEvent {
    /// A product is new or different.
    ProductChanged {
        /// As it is now.
        product: Product,
    },
}

/// A list as one query parameter: `a,b,c`. SKUs hold no comma.
mod comma_separated {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Sku;

    pub(super) fn serialize<S: Serializer>(skus: &[Sku], serializer: S) -> Result<S::Ok, S::Error> {
        let texts: Vec<&str> = skus.iter().map(|sku| sku.0.as_str()).collect();
        serializer.serialize_str(&texts.join(","))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Sku>, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(text.split(',').filter(|part| !part.is_empty()).map(Sku::from).collect())
    }
}
