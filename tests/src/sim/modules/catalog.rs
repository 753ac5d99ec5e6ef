//! A catalog in which everything costs ten euros.

use async_trait::async_trait;
use contracts::catalog::{
    AuditedProduct, Catalog, GetProduct, GetProducts, ListProducts, PRODUCTS, Product, Products,
    SearchProducts,
};
use contracts::types::{Page, PageRequest};
use contracts::{Context, Money, PortResult, Problem, Sku};

use super::Site;

/// The catalog.
pub struct SimCatalog(pub Site);

fn product(sku: Sku) -> Product {
    Product {
        name: sku.0.clone(),
        sku,
        description: String::new(),
        category: "things".into(),
        price: Money::eur(1000),
        weight_grams: 100,
        version: 1,
    }
}

#[async_trait]
impl Catalog for SimCatalog {
    async fn products(&self, _: &Context, request: GetProducts) -> PortResult<Products> {
        let work = move || Ok(Products { products: request.skus.into_iter().map(product).collect() });
        self.0.carry(&PRODUCTS, work).await
    }

    async fn product(&self, _: &Context, request: GetProduct) -> PortResult<Product> {
        Ok(product(request.sku))
    }

    async fn list(&self, _: &Context, _: ListProducts) -> PortResult<Page<Product>> {
        Err(Problem::not_found("listing in the simulation").into())
    }

    async fn search(&self, _: &Context, _: SearchProducts) -> PortResult<Page<Product>> {
        Err(Problem::not_found("search in the simulation").into())
    }

    async fn audit(&self, _: &Context, _: PageRequest) -> PortResult<Page<AuditedProduct>> {
        Ok(Page { items: Vec::new(), next: None })
    }
}
