//! The catalog's requests and replies as protobuf.

use super::convert::{into_list, list, optional, pages, required};
use super::{Proto, pb::catalog as pb};
use crate::catalog::{
    AuditedProduct, GetProduct, GetProducts, ListProducts, Product, Products, SearchProducts,
};
use crate::error::Problem;
use crate::types::Sku;

pages! {
    Product => pb::ProductPage;
    AuditedProduct => pb::AuditedProductPage;
}

impl Proto for ListProducts {
    type Message = pb::ListRequest;

    fn into_message(self) -> Self::Message {
        Self::Message { category: self.category, page: Some(self.page.into_message()) }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self { category: message.category, page: optional("page", message.page)?.unwrap_or_default() })
    }
}

impl Proto for SearchProducts {
    type Message = pb::SearchRequest;

    fn into_message(self) -> Self::Message {
        Self::Message { query: self.query, page: Some(self.page.into_message()) }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self { query: message.query, page: optional("page", message.page)?.unwrap_or_default() })
    }
}

impl Proto for GetProduct {
    type Message = pb::ProductRequest;

    fn into_message(self) -> Self::Message {
        Self::Message { sku: self.sku.0 }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self { sku: Sku(message.sku) })
    }
}

impl Proto for GetProducts {
    type Message = pb::ProductsRequest;

    fn into_message(self) -> Self::Message {
        Self::Message { skus: self.skus.into_iter().map(|sku| sku.0).collect() }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self { skus: message.skus.into_iter().map(Sku).collect() })
    }
}

impl Proto for Products {
    type Message = pb::ProductList;

    fn into_message(self) -> Self::Message {
        Self::Message { products: into_list(self.products) }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self { products: list("products", message.products)? })
    }
}

impl Proto for Product {
    type Message = pb::Product;

    fn into_message(self) -> Self::Message {
        Self::Message {
            sku: self.sku.0,
            name: self.name,
            description: self.description,
            category: self.category,
            price: Some(self.price.into_message()),
            weight_grams: self.weight_grams,
            version: self.version,
        }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self {
            sku: Sku(message.sku),
            name: message.name,
            description: message.description,
            category: message.category,
            price: required("price", message.price)?,
            weight_grams: message.weight_grams,
            version: message.version,
        })
    }
}

impl Proto for AuditedProduct {
    type Message = pb::AuditedProduct;

    fn into_message(self) -> Self::Message {
        Self::Message { sku: self.sku.0, price: Some(self.price.into_message()), version: self.version }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self { sku: Sku(message.sku), price: required("price", message.price)?, version: message.version })
    }
}
