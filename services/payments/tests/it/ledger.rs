//! The ledger's pages, and what the database itself refuses.

use std::time::Duration;

use chassis::store::{Store, StoreUrl};
use contracts::Code;
use contracts::payments::Payments;
use contracts::types::PageRequest;

use crate::support::{ctx, new_order, shops};

#[tokio::test]
async fn pages_are_oldest_first_and_complete() {
    for shop in shops().await {
        let till = shop.till();
        let mut orders = Vec::new();
        for _ in 0..4 {
            let order = new_order();
            till.authorize(order).await.expect("authorized");
            shop.clock.advance(Duration::from_millis(3));
            till.capture(order).await.expect("captured");
            shop.clock.advance(Duration::from_millis(3));
            orders.push(order);
        }
        let postings = till.ledger(5).await;
        assert_eq!(postings.len(), 4 * 6, "{}", shop.engine);
        assert!(postings.is_sorted_by_key(|posting| posting.posted_at));
        let seen: Vec<_> = postings.chunks(6).map(|chunk| chunk[0].order_id).collect();
        assert_eq!(seen, orders);
    }
}

#[tokio::test]
async fn a_cursor_of_nobodys_is_refused() {
    for shop in shops().await {
        let request = PageRequest { cursor: Some("c1-00".into()), limit: None };
        let refused = shop.service.ledger(&ctx(), request).await.expect_err("refused");
        assert_eq!(refused.code(), Some(Code::InvalidCursor));
    }
}

#[tokio::test]
async fn the_database_refuses_what_the_rules_never_write() {
    for database in testkit::databases().await {
        let url = StoreUrl::parse(&database.url).expect("an address");
        let store = Store::open(&url, "payments", sqlx::migrate!("./migrations")).await.expect("opens");
        let good = "INSERT INTO payments_payments
             (order_id, status, amount, currency, card, hold_posted, version, created_at, updated_at)
             VALUES ('o1', 'authorized', 5, 'EUR', 'tok_approve', 0, 1, 0, 0)";
        let posting = "INSERT INTO payments_postings (id, transfer, line, order_id, account, amount, currency, posted_at)
             VALUES ('p1', 'capture:o1', 1, 'o1', 'cash', 5, 'EUR', 0)";
        let twice = "INSERT INTO payments_postings (id, transfer, line, order_id, account, amount, currency, posted_at)
             VALUES ('p2', 'capture:o1', 1, 'o1', 'cash', 5, 'EUR', 0)";
        for statement in [good, posting] {
            let mut tx = store.begin().await.expect("begins");
            sqlx::query(statement).execute(&mut *tx).await.expect("a good row");
            tx.commit().await.expect("commits");
        }
        let open_without_a_time = "INSERT INTO payments_payments
             (order_id, status, amount, currency, card, hold_posted, version, created_at, updated_at)
             VALUES ('o2', 'capturing', 5, 'EUR', 'tok_approve', 0, 1, 0, 0)";
        let without_amount = "INSERT INTO payments_payments
             (order_id, status, hold_posted, version, created_at, updated_at)
             VALUES ('o3', 'authorized', 0, 1, 0, 0)";
        for statement in [twice, open_without_a_time, without_amount] {
            let mut tx = store.begin().await.expect("begins");
            sqlx::query(statement).execute(&mut *tx).await.expect_err("refused by the database");
        }
    }
}
