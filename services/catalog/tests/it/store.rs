//! What the tables hold.

use catalog::domain::{Place, Words};
use catalog::seed;
use catalog::store::CatalogStore;
use contracts::{Money, Sku};

use crate::shops;

#[tokio::test]
async fn seeding_again_adds_nothing_and_leaves_changed_products_alone() {
    for shop in shops().await {
        let mut tx = shop.raw.begin().await.expect("begins");
        sqlx::query("UPDATE catalog_products SET price_amount = 1, version = 2 WHERE sku = 'KIT-0001'")
            .execute(&mut *tx)
            .await
            .expect("changes");
        tx.commit().await.expect("commits");

        let again = shop.store.products_seed(&seed::products().expect("reads")).await.expect("seeds");
        assert_eq!(again, 0);
        let skillet = shop.store.products_by_sku(&["KIT-0001".into()]).await.expect("reads").remove(0);
        assert_eq!((skillet.price, skillet.version), (Money::eur(1), 2));
    }
}

#[tokio::test]
async fn a_seed_with_one_bad_product_adds_none() {
    for shop in shops().await {
        let mut products = seed::products().expect("reads");
        products.truncate(2);
        products[0].sku = "NEW-0001".into();
        products[1].sku = "NEW-0002".into();
        products[1].weight_grams = 0;
        shop.store.products_seed(&products).await.expect_err("the table refuses a weight of nothing");
        assert_eq!(shop.store.products_by_sku(&["NEW-0001".into()]).await.expect("reads"), []);
    }
}

#[tokio::test]
async fn replicas_that_seed_at_the_same_time_do_not_disturb_each_other() {
    for shop in shops().await {
        let mut fresh = seed::products().expect("reads");
        fresh.iter_mut().for_each(|product| product.sku = Sku(product.sku.0.replace('-', "2-")));
        let (one, two) = tokio::join!(shop.store.products_seed(&fresh), shop.store.products_seed(&fresh));
        assert_eq!(one.expect("seeds") + two.expect("seeds"), fresh.len() as u64);
    }
}

#[tokio::test]
async fn every_product_comes_back_as_it_was_seeded() {
    for shop in shops().await {
        let mut seeded = seed::products().expect("reads");
        seeded.sort_by(|one, other| one.sku.cmp(&other.sku));
        let skus: Vec<_> = seeded.iter().map(|product| product.sku.clone()).collect();
        let mut found = shop.store.products_by_sku(&skus).await.expect("reads");
        found.sort_by(|one, other| one.sku.cmp(&other.sku));
        assert_eq!(found, seeded);
        assert_eq!(shop.store.products_page(None, "", 1000).await.expect("reads"), seeded);
    }
}

#[tokio::test]
async fn the_search_statement_finds_what_the_domain_finds_in_its_order() {
    for shop in shops().await {
        for query in [
            "iron",
            "KITCHEN",
            "steel handle",
            "handle STEEL steel",
            "a",
            "%",
            "_",
            "\\",
            "'",
            "\"",
            "é",
            "Übergröße",
            "240 °C",
            "no such thing anywhere",
            "a b c d e f g h i j k l m n o p",
            "books novel",
        ] {
            let words = Words::parse(query).expect(query);
            let mut expected: Vec<_> = seed::products()
                .expect("reads")
                .iter()
                .filter_map(|product| Some(Place { rank: words.rank(product)?, sku: product.sku.0.clone() }))
                .collect();
            expected.sort();
            let hits = shop.store.products_search(&words, &Place::start(), 1000).await.expect("searches");
            assert_eq!(hits.iter().map(|hit| hit.place()).collect::<Vec<_>>(), expected, "{query}");
        }
    }
}
