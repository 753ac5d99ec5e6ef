//! The catalog's operations.

use contracts::Money;
use contracts::catalog::{
    AUDIT, AuditedProduct, GetProduct, GetProducts, LIST, ListProducts, PRODUCT, PRODUCTS, Product, Products,
    SEARCH, SearchProducts,
};
use contracts::types::Page;

use super::Case;
use super::values::{RICHEST, TEXT, blank_page, fifty_lines, first_page, later_page, odd_sku};

fn product() -> Product {
    Product {
        sku: odd_sku(),
        name: TEXT.into(),
        description: TEXT.repeat(20),
        category: "kitchen".into(),
        price: RICHEST,
        weight_grams: u32::MAX,
        version: u64::MAX,
    }
}

fn bare_product() -> Product {
    Product {
        sku: "A-1".into(),
        name: String::new(),
        description: String::new(),
        category: String::new(),
        price: Money::eur(0),
        weight_grams: 0,
        version: 0,
    }
}

fn page() -> Page<Product> {
    Page { items: vec![product(), bare_product()], next: later_page().cursor }
}

fn nothing() -> Page<Product> {
    Page { items: Vec::new(), next: None }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (category, asked, reply) in [
        (None, first_page(), nothing()),
        (Some(TEXT.to_owned()), later_page(), page()),
        (Some(String::new()), blank_page(), page()),
    ] {
        let request = ListProducts { category, page: asked.clone() };
        cases.push(Case::new(&LIST, request, reply.clone(), |clients, ctx, request| async move {
            clients.catalog.list(&ctx, request).await
        }));
        let request = SearchProducts { query: TEXT.into(), page: asked.clone() };
        cases.push(Case::new(&SEARCH, request, reply, |clients, ctx, request| async move {
            clients.catalog.search(&ctx, request).await
        }));
        let audited = AuditedProduct { sku: odd_sku(), price: RICHEST, version: u64::MAX };
        let reply = Page { items: vec![audited], next: asked.cursor.clone() };
        cases.push(Case::new(&AUDIT, asked, reply, |clients, ctx, request| async move {
            clients.catalog.audit(&ctx, request).await
        }));
    }
    for (sku, reply) in [(odd_sku(), product()), ("A-1".into(), bare_product())] {
        cases.push(Case::new(&PRODUCT, GetProduct { sku }, reply, |clients, ctx, request| async move {
            clients.catalog.product(&ctx, request).await
        }));
    }
    let skus = fifty_lines().into_iter().map(|line| line.sku).collect();
    for (skus, products) in [(vec!["A-1".into()], Vec::new()), (skus, vec![product(); 100])] {
        let reply = Products { products };
        cases.push(Case::new(&PRODUCTS, GetProducts { skus }, reply, |clients, ctx, request| async move {
            clients.catalog.products(&ctx, request).await
        }));
    }
    cases
}
