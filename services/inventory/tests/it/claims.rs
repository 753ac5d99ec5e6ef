//! One caller after the other: what each operation does, and what its repetition does.

use contracts::Code;
use contracts::inventory::{GetStock, Inventory, InventoryRecord, ReservationStatus};
use contracts::types::{Cursor, PageRequest};
use inventory::store::InventoryStore;

use crate::shop::{TTL, ctx, lines, order, outcome, problem, shops};

use ReservationStatus::{Committed, Released, Reserved};
use chassis::clock::Clock;

#[tokio::test]
async fn a_reservation_sets_goods_aside_and_its_repetition_changes_nothing() {
    for shop in shops().await {
        shop.stock(&[("A", 5), ("B", 5)]).await;
        let order = order();
        let first = shop.reserve(order, &[("A", 2), ("B", 3)]).await.expect("there is enough");
        assert_eq!(first.status, Reserved);
        assert_eq!(first.lines, lines(&[("A", 2), ("B", 3)]));
        assert_eq!(first.expires_at, shop.clock.now().plus(TTL));

        shop.clock.advance(TTL / 2);
        assert_eq!(shop.reserve(order, &[("B", 3), ("A", 2)]).await, Ok(first.clone()));
        assert_eq!(shop.reservation(order).await, Ok(first));
        assert_eq!(problem(shop.reserve(order, &[("A", 2)]).await).code, Code::Conflict);
        let level = shop.service.stock(&ctx(), GetStock { sku: "A".into() }).await.expect("is stocked");
        assert_eq!((level.available, level.reserved, level.version), (3, 2, 2));
        shop.books().await;
    }
}

#[tokio::test]
async fn all_lines_or_none_and_the_refusal_is_not_remembered() {
    for shop in shops().await {
        shop.stock(&[("A", 5), ("B", 1), ("C", 0)]).await;
        let (patient, other) = (order(), order());
        shop.reserve(other, &[("B", 1)]).await.expect("there is one");

        let refused = problem(shop.reserve(patient, &[("A", 5), ("C", 2), ("B", 1)]).await);
        assert_eq!(refused.code, Code::OutOfStock);
        let named: Vec<_> = refused.faults.iter().map(|fault| (&*fault.field, &*fault.message)).collect();
        assert_eq!(
            named,
            [
                ("lines[1].quantity", "2 of C were asked for, 0 left"),
                ("lines[2].quantity", "1 of B were asked for, 0 left"),
            ]
        );
        assert_eq!(shop.available("A").await, 5, "nothing of the refused order was set aside");
        assert_eq!(problem(shop.reservation(patient).await).code, Code::NotFound);

        shop.release(other).await.expect("gives back");
        assert_eq!(outcome(shop.reserve(patient, &[("A", 5), ("B", 1)]).await), Ok(Reserved));
        shop.books().await;
    }
}

#[tokio::test]
async fn every_unknown_product_is_named() {
    for shop in shops().await {
        shop.stock(&[("A", 1)]).await;
        let refused = problem(shop.reserve(order(), &[("NO-1", 1), ("A", 2), ("NO-2", 1)]).await);
        assert_eq!(refused.code, Code::UnknownSku);
        assert_eq!(refused.detail, "NO-1 is not stocked; NO-2 is not stocked");
        let unknown = shop.service.stock(&ctx(), GetStock { sku: "NO-1".into() }).await;
        assert_eq!(problem(unknown).code, Code::UnknownSku);
    }
}

#[tokio::test]
async fn a_commit_sells_once() {
    for shop in shops().await {
        shop.stock(&[("A", 5)]).await;
        let order = order();
        assert_eq!(outcome(shop.commit(order).await), Err(Code::NotFound));
        shop.reserve(order, &[("A", 2)]).await.expect("there is enough");
        for _ in 0..2 {
            assert_eq!(outcome(shop.commit(order).await), Ok(Committed));
        }
        assert_eq!(outcome(shop.reserve(order, &[("A", 2)]).await), Ok(Committed), "as it stands");
        assert_eq!(shop.books().await["A"], (3, 0, 2));
    }
}

#[tokio::test]
async fn a_release_gives_back_what_was_reserved_and_restocks_what_was_sold() {
    for shop in shops().await {
        shop.stock(&[("A", 5)]).await;
        let (reserved, sold) = (order(), order());
        shop.reserve(reserved, &[("A", 1)]).await.expect("there is enough");
        shop.reserve(sold, &[("A", 2)]).await.expect("there is enough");
        shop.commit(sold).await.expect("in time");
        assert_eq!(shop.books().await["A"], (2, 1, 2));
        for order in [reserved, sold, reserved, sold] {
            assert_eq!(outcome(shop.release(order).await), Ok(Released));
        }
        assert_eq!(shop.books().await["A"], (5, 0, 0));
        assert_eq!(outcome(shop.commit(reserved).await), Err(Code::Compensated));
        assert_eq!(outcome(shop.reserve(sold, &[("A", 2)]).await), Err(Code::Compensated));
    }
}

#[tokio::test]
async fn a_release_that_comes_first_leaves_a_tombstone_that_refuses_the_late_original() {
    for shop in shops().await {
        shop.stock(&[("A", 5)]).await;
        let order = order();
        let tombstone = shop.release(order).await.expect("leaves a tombstone");
        assert_eq!((tombstone.status, tombstone.lines.len()), (Released, 0));
        assert_eq!(outcome(shop.reserve(order, &[("A", 1)]).await), Err(Code::Compensated));
        assert_eq!(outcome(shop.commit(order).await), Err(Code::Compensated));
        assert_eq!(shop.release(order).await, Ok(tombstone));
        assert_eq!(shop.books().await["A"], (5, 0, 0));
    }
}

#[tokio::test]
async fn a_bad_request_learns_of_every_fault_at_once() {
    for shop in shops().await {
        let wanted = [("A", 0), ("A", 1001), ("no spaces", 1)];
        let refused = problem(shop.reserve(order(), &wanted).await);
        assert_eq!(refused.code, Code::InvalidRequest);
        let fields: Vec<_> = refused.faults.iter().map(|fault| &*fault.field).collect();
        assert_eq!(fields, ["lines[0].quantity", "lines[1].sku", "lines[1].quantity", "lines[2].sku"]);

        let crowd: Vec<String> = (0..51).map(|n| format!("A-{n}")).collect();
        let crowd: Vec<_> = crowd.iter().map(|sku| (sku.as_str(), 1)).collect();
        for bad in [&crowd[..], &[]] {
            assert_eq!(problem(shop.reserve(order(), bad).await).faults[0].field, "lines");
        }
        let nameless = shop.service.stock(&ctx(), GetStock { sku: "".into() }).await;
        assert_eq!(problem(nameless).faults[0].field, "sku");
    }
}

#[tokio::test]
async fn seeding_again_opens_what_is_new_and_overwrites_nothing() {
    for shop in shops().await {
        assert_eq!(shop.store.stock_seed(&lines(&[("A", 5), ("B", 5)])).await.expect("seeds"), 2);
        shop.reserve(order(), &[("A", 2)]).await.expect("there is enough");
        assert_eq!(shop.store.stock_seed(&lines(&[("A", 9), ("B", 9), ("C", 9)])).await.expect("seeds"), 1);
        let books = shop.books().await;
        assert_eq!((books["A"], books["B"], books["C"]), ((3, 2, 0), (5, 0, 0), (9, 0, 0)));
        let own = inventory::seed::stock().expect("the seed is well-formed");
        assert_eq!(shop.store.stock_seed(&own).await.expect("seeds"), own.len() as u64);
    }
}

#[tokio::test]
async fn an_audit_pages_through_all_accounts_and_then_all_claims() {
    for shop in shops().await {
        shop.stock(&[("A", 5), ("B", 5), ("C", 5)]).await;
        for _ in 0..4 {
            shop.reserve(order(), &[("A", 1)]).await.expect("there is enough");
        }
        let whole = shop.audit(200).await;
        assert_eq!(whole.len(), 7);
        assert!(whole[..3].iter().all(|record| matches!(record, InventoryRecord::Account(_))));
        assert!(whole[3..].iter().all(|record| matches!(record, InventoryRecord::Claim(_))));
        for limit in 1..=8 {
            assert_eq!(shop.audit(limit).await, whole, "in pages of {limit}");
        }
        let foreign = PageRequest { cursor: Some(Cursor("A".into()).encode()), limit: None };
        assert_eq!(problem(shop.service.audit(&ctx(), foreign).await).code, Code::InvalidCursor);
    }
}
