//! Every change of the books is told in the transaction that makes it, and nothing else is.

use chassis::clock::Clock;
use contracts::Code;
use contracts::inventory::{Inventory, ReleaseStock};
use contracts::messages::{Origin, Passed};
use contracts::orders::Coordination;
use contracts::payments::CardToken;
use contracts::types::Address;
use contracts::{CustomerId, Money, TraceContext};
use inventory::config::ReservationsConfig;
use inventory::store::InventoryStore;

use crate::shop::{TTL, ctx, lines, order, outcome, shops};
use contracts::inventory::ReserveStock;

#[tokio::test]
async fn a_reservation_its_sale_and_its_release_are_told_once_each() {
    for shop in shops().await {
        shop.stock(&[("A", 5)]).await;
        let order = order();
        for _ in 0..2 {
            shop.reserve(order, &[("A", 2)]).await.expect("there is enough");
        }
        assert_eq!(shop.told(order).await, ["stock_reserved"]);
        for _ in 0..2 {
            shop.commit(order).await.expect("in time");
        }
        assert_eq!(shop.told(order).await, ["stock_reserved", "stock_committed"]);
        for _ in 0..2 {
            shop.release(order).await.expect("restocks");
        }
        assert_eq!(shop.told(order).await, ["stock_reserved", "stock_committed", "stock_released"]);
        let said = shop.said(order).await;
        assert!(said.iter().all(|said| said.coordination == Coordination::Sync));
        assert_eq!(said[2].data["reservation"]["status"], "released");
    }
}

#[tokio::test]
async fn a_tombstone_is_told_as_a_release() {
    for shop in shops().await {
        let order = order();
        shop.release(order).await.expect("leaves a tombstone");
        assert_eq!(shop.told(order).await, ["stock_released"]);
    }
}

#[tokio::test]
async fn what_is_refused_tells_nothing() {
    for shop in shops().await {
        shop.stock(&[("A", 1)]).await;
        let (short, unknown, unseen) = (order(), order(), order());
        assert_eq!(outcome(shop.reserve(short, &[("A", 2)]).await), Err(Code::OutOfStock));
        assert_eq!(outcome(shop.reserve(unknown, &[("NO-1", 1)]).await), Err(Code::UnknownSku));
        assert_eq!(outcome(shop.commit(unseen).await), Err(Code::NotFound));
        for order in [short, unknown, unseen] {
            assert_eq!(shop.told(order).await, [""; 0]);
        }
    }
}

/// A late commit is refused, and yet the books change: the claim lapses.
#[tokio::test]
async fn a_claim_that_lapses_is_told_by_whoever_finds_it() {
    for shop in shops().await {
        shop.stock(&[("A", 5)]).await;
        let (late, swept) = (order(), order());
        for order in [late, swept] {
            shop.reserve(order, &[("A", 1)]).await.expect("there is enough");
        }
        shop.clock.advance(TTL);
        assert_eq!(outcome(shop.commit(late).await), Err(Code::ReservationExpired));
        shop.sweep(ReservationsConfig::default()).pass().await.expect("a pass");
        for order in [late, swept] {
            assert_eq!(shop.told(order).await, ["stock_reserved", "stock_expired"]);
        }
    }
}

#[tokio::test]
async fn whoever_touches_an_order_first_decides_who_drives_it_and_the_caller_gives_the_trace() {
    for shop in shops().await {
        shop.stock(&[("A", 5)]).await;
        let order_id = order();
        let address = Address {
            name: "Ada Lovelace".into(),
            street: "Invalidenstr. 117".into(),
            city: "Berlin".into(),
            postal_code: "10115".into(),
            country: "DE".into(),
        };
        let passed = Passed {
            customer_id: CustomerId("ada".into()),
            amount: Money::eur(1999),
            card: CardToken("tok_approve".into()),
            address,
            weight_grams: 500,
        };
        let first = Origin {
            coordination: Coordination::Choreographed,
            trace: TraceContext::root(),
            passed: Some(passed.clone()),
        };
        let request = ReserveStock { order_id, lines: lines(&[("A", 1)]) };
        let reserved = shop.store.claim_reserve(&request, shop.clock.now(), TTL, &first).await;
        reserved.expect("no failure").answer.expect("there is enough");
        shop.clock.advance(TTL);
        shop.sweep(ReservationsConfig::default()).pass().await.expect("a pass");
        let call = ctx();
        shop.service.release(&call, ReleaseStock { order_id }).await.expect("releases");

        let said = shop.said(order_id).await;
        assert!(said.iter().all(|said| said.coordination == Coordination::Choreographed));
        assert_eq!(said[0].data["passed"], serde_json::to_value(passed).expect("JSON"));
        let traces: Vec<_> = said.iter().map(|said| said.trace_id.clone()).collect();
        let (first, call) = (first.trace.trace_id_hex(), call.trace.trace_id_hex());
        assert_eq!(traces, [first.clone(), first, call], "nobody calls the sweep");
    }
}
