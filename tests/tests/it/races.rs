//! Customers who want the same thing at the same moment.

use contracts::Code;
use futures::future::join_all;
use serde_json::json;
use system_tests::reply::Reply;
use system_tests::shop::{Shop, order_of};

use crate::idempotency::until_told;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tradewind-under-test");
/// Light enough that one parcel takes hundreds, and the smallest stock of all.
const SKU: &str = "BAT-0009";
/// The most that one parcel takes of it.
const MOST: u32 = 400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_buyers_race_for_the_last_ten() {
    let shop = Shop::start(PROGRAM, &[]).await;
    let mut ids = Vec::new();
    loop {
        let surplus = shop.stock(SKU).await.available - 10;
        if surplus == 0 {
            break;
        }
        ids.push(shop.place_confirmed(&order_of(SKU, surplus.min(MOST), "tok_approve")).await.id);
    }

    let buyers = join_all((0..64).map(|number| buys(&shop, number))).await;
    let (lucky, late): (Vec<&Reply>, Vec<&Reply>) =
        buyers.iter().partition(|reply| reply.confirmed().is_some());
    for reply in late {
        let refusal = reply.refused(Code::OutOfStock);
        assert!(refusal.location.is_some(), "{refusal:?}");
    }
    assert_eq!(lucky.len(), 10);
    let level = shop.stock(SKU).await;
    assert_eq!((level.available, level.reserved), (0, 0));

    ids.extend(buyers.iter().filter_map(Reply::order_id));
    let report = shop.audit_clean(&ids).await;
    assert_eq!(report.orders.rejected, 54);
    shop.stop().await;
}

/// What a buyer is told in the end. So many at once may take a slow machine longer than a request may take, and then
/// the buyer asks again what became of it; or longer than a call between two services may take, and then the order
/// is cancelled, the goods are free again, and the buyer orders once more.
async fn buys(shop: &Shop, number: u32) -> Reply {
    let mut order = order_of(SKU, 1, "tok_approve");
    order["customer_id"] = json!(format!("buyer-{number}"));
    let mut attempt = 0;
    loop {
        let reply = until_told(shop, &order, &format!("the-last-ten-{number}-{attempt}")).await;
        if reply.refusal().is_none_or(|refusal| refusal.code != Code::DependencyUnavailable) {
            return reply;
        }
        attempt += 1;
        assert!(attempt < 10, "{reply:?}");
    }
}
