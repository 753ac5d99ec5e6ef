//! The catalog's port: checks what is asked, asks the store, orders the answer.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use contracts::catalog::{
    AuditedProduct, Catalog, GetProduct, GetProducts, ListProducts, Product, Products, SearchProducts,
};
use contracts::types::{Page, PageRequest};
use contracts::{Context, PortResult, Sku};

use crate::domain::{self, Place, Words};
use crate::store::{CatalogStore, Hit};

/// [`Catalog`] on a store.
pub struct Service {
    store: Arc<dyn CatalogStore>,
}

impl Service {
    /// The port on `store`.
    pub fn new(store: Arc<dyn CatalogStore>) -> Self {
        Self { store }
    }

    /// The products with these SKUs in their order, or `unknown_sku` with all that are missing.
    async fn in_order(&self, skus: &[Sku]) -> PortResult<Vec<Product>> {
        let found = self.store.products_by_sku(skus).await?;
        let mut found: HashMap<_, _> =
            found.into_iter().map(|product| (product.sku.clone(), product)).collect();
        let mut products = Vec::with_capacity(skus.len());
        let mut missing = Vec::new();
        for sku in skus {
            match found.remove(sku) {
                Some(product) => products.push(product),
                None => missing.push(sku.clone()),
            }
        }
        if missing.is_empty() { Ok(products) } else { Err(domain::unknown_skus(&missing).into()) }
    }

    async fn page(&self, category: Option<&str>, page: &PageRequest) -> PortResult<Page<Product>> {
        let (after, limit) = page.resolve()?;
        let after = domain::listing_start(after)?;
        let products = self.store.products_page(category, &after, limit + 1).await?;
        Ok(Page::from_overfull(products, limit, |product| product.sku.0.clone()))
    }
}

#[async_trait]
impl Catalog for Service {
    async fn list(&self, _: &Context, request: ListProducts) -> PortResult<Page<Product>> {
        if let Some(category) = &request.category {
            domain::check_category(category)?;
        }
        self.page(request.category.as_deref(), &request.page).await
    }

    async fn search(&self, _: &Context, request: SearchProducts) -> PortResult<Page<Product>> {
        let words = Words::parse(&request.query)?;
        let (after, limit) = request.page.resolve()?;
        let hits = self.store.products_search(&words, &Place::parse(after)?, limit + 1).await?;
        let page = Page::from_overfull(hits, limit, |hit| hit.place().key());
        Ok(Page {
            items: page.items.into_iter().map(|Hit { product, .. }| product).collect(),
            next: page.next,
        })
    }

    async fn product(&self, _: &Context, request: GetProduct) -> PortResult<Product> {
        domain::check_sku(&request.sku)?;
        let mut products = self.in_order(std::slice::from_ref(&request.sku)).await?;
        products.pop().ok_or_else(|| domain::unknown_skus(&[request.sku]).into())
    }

    async fn products(&self, _: &Context, request: GetProducts) -> PortResult<Products> {
        domain::check_skus(&request.skus)?;
        Ok(Products { products: self.in_order(&request.skus).await? })
    }

    async fn audit(&self, _: &Context, request: PageRequest) -> PortResult<Page<AuditedProduct>> {
        let Page { items, next } = self.page(None, &request).await?;
        let audited = |Product { sku, price, version, .. }| AuditedProduct { sku, price, version };
        Ok(Page { items: items.into_iter().map(audited).collect(), next })
    }
}
