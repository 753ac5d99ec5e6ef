//! What the port answers.

use contracts::catalog::{Catalog, GetProduct, GetProducts, ListProducts, Product, SearchProducts};
use contracts::types::{Page, PageRequest};
use contracts::{Code, PortError, Sku};

use crate::{Shop, shops};

fn skus(products: &[Product]) -> Vec<&str> {
    products.iter().map(|product| product.sku.0.as_str()).collect()
}

fn code<T: std::fmt::Debug>(result: Result<T, PortError>) -> Code {
    result.expect_err("a refusal").code().expect("a decision of the service")
}

impl Shop {
    /// Every page of a listing or a search, one after the other.
    async fn walk(&self, limit: u32, ask: impl AsyncFn(PageRequest) -> Page<Product>) -> Vec<Vec<Product>> {
        let mut pages = Vec::new();
        let mut cursor = None;
        loop {
            let page = ask(PageRequest { cursor, limit: Some(limit) }).await;
            pages.push(page.items);
            cursor = page.next;
            if cursor.is_none() {
                return pages;
            }
        }
    }

    async fn list(&self, category: Option<&str>, page: PageRequest) -> Result<Page<Product>, PortError> {
        let category = category.map(str::to_owned);
        self.service.list(&self.ctx, ListProducts { category, page }).await
    }

    async fn search(&self, query: &str, page: PageRequest) -> Result<Page<Product>, PortError> {
        self.service.search(&self.ctx, SearchProducts { query: query.to_owned(), page }).await
    }
}

#[tokio::test]
async fn a_listing_walked_page_by_page_is_the_whole_listing_once() {
    for shop in shops().await {
        let pages = shop.walk(50, async |page| shop.list(None, page).await.expect("lists")).await;
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [50, 50, 50, 50, 20]);
        let all = pages.concat();
        let mut sorted = skus(&all);
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(skus(&all), sorted);
    }
}

#[tokio::test]
async fn a_category_lists_its_own_products_and_an_unknown_one_none() {
    for shop in shops().await {
        let kitchen = shop.list(Some("kitchen"), PageRequest::largest(None)).await.expect("lists");
        assert_eq!((kitchen.items.len(), kitchen.next), (24, None));
        assert!(kitchen.items.iter().all(|product| product.category == "kitchen"));
        let none = shop.list(Some("no such shelf"), PageRequest::default()).await.expect("lists");
        assert_eq!(none, Page { items: vec![], next: None });
        assert_eq!(code(shop.list(Some("kit\0chen"), PageRequest::default()).await), Code::InvalidRequest);
    }
}

#[tokio::test]
async fn a_search_walked_page_by_page_is_the_same_as_in_one_go_names_first() {
    for shop in shops().await {
        let whole = shop.search("steel", PageRequest::largest(None)).await.expect("searches");
        assert!(whole.items.len() > 6, "{} hits", whole.items.len());
        let pages = shop.walk(3, async |page| shop.search("steel", page).await.expect("searches")).await;
        assert_eq!(pages.concat(), whole.items);
        let in_name: Vec<_> =
            whole.items.iter().map(|product| product.name.to_lowercase().contains("steel")).collect();
        assert!(in_name[0] && in_name.is_sorted_by(|one, other| one >= other), "{in_name:?}");
    }
}

#[tokio::test]
async fn cursors_that_are_not_this_listings_own_are_refused() {
    for shop in shops().await {
        let one = |cursor: Option<String>| PageRequest { cursor, limit: Some(1) };
        let of_list = shop.list(None, one(None)).await.expect("lists").next;
        let of_search = shop.search("steel", one(None)).await.expect("searches").next;
        assert!(of_list.is_some() && of_search.is_some());
        assert_eq!(code(shop.search("steel", one(of_list)).await), Code::InvalidCursor);
        assert_eq!(code(shop.list(None, one(of_search.clone())).await), Code::InvalidCursor);
        assert_eq!(code(shop.service.audit(&shop.ctx, one(of_search)).await), Code::InvalidCursor);
        assert_eq!(code(shop.list(None, one(Some("c1-nonsense".into()))).await), Code::InvalidCursor);
    }
}

#[tokio::test]
async fn a_batch_answers_in_the_order_asked_and_names_every_missing_sku() {
    for shop in shops().await {
        let ask = async |skus: &[&str]| {
            let skus = skus.iter().map(|sku| Sku::from(*sku)).collect();
            shop.service.products(&shop.ctx, GetProducts { skus }).await
        };
        let found = ask(&["TOY-0003", "BAT-0001", "KIT-0001"]).await.expect("all are there").products;
        assert_eq!(skus(&found), ["TOY-0003", "BAT-0001", "KIT-0001"]);

        let Err(PortError::Problem(problem)) = ask(&["XXX-0001", "KIT-0001", "kit-0001"]).await else {
            panic!("two are missing")
        };
        assert_eq!(problem.code, Code::UnknownSku);
        assert!(problem.detail.contains("XXX-0001") && problem.detail.contains("kit-0001"), "{problem}");
        assert!(!problem.detail.contains("KIT-0001"), "{problem}");

        assert_eq!(code(ask(&["KIT-0001", "KIT-0001"]).await), Code::InvalidRequest);
        assert_eq!(code(ask(&[]).await), Code::InvalidRequest);
    }
}

#[tokio::test]
async fn one_product_is_found_unknown_or_malformed() {
    for shop in shops().await {
        let ask = async |sku: &str| shop.service.product(&shop.ctx, GetProduct { sku: sku.into() }).await;
        assert_eq!(ask("KIT-0001").await.expect("is there").name, "Cast iron skillet, 26 cm");
        assert_eq!(code(ask("KIT-9999").await), Code::UnknownSku);
        assert_eq!(code(ask("not a sku").await), Code::InvalidRequest);
    }
}

#[tokio::test]
async fn the_audit_sees_every_product_with_its_version() {
    for shop in shops().await {
        let first = shop.service.audit(&shop.ctx, PageRequest::largest(None)).await.expect("audits");
        let second = shop.service.audit(&shop.ctx, PageRequest::largest(first.next)).await.expect("audits");
        assert_eq!((first.items.len(), second.items.len(), second.next), (200, 20, None));
        assert!(first.items.iter().chain(&second.items).all(|product| product.version == 1));
    }
}
