//! A database that does what it is asked and loses the connection before it says so: what customers
//! are told then.

use std::sync::Arc;

use contracts::Code;
use contracts::orders::{CancelOrder, Orders as _};
use orders::saga::Saga;
use orders::service::{RandomIds, Service};
use tokio_util::task::TaskTracker;

use crate::double::{After, Double};
use crate::others::Holdings;
use crate::shop::{Shop, ctx, keyed, pointed_at, problem, request};

/// A process beside that of `shop`, whose database falls silent.
fn silent(shop: &Shop, after: After) -> Service {
    let store = Arc::new(Double::silent(shop.store.clone(), after));
    Service::new(Saga { store, ..shop.saga.clone() }, RandomIds, TaskTracker::new())
}

/// "Try again" would have placed a second order, for recovery finishes the first.
#[tokio::test]
async fn an_order_that_may_be_stored_is_told_as_open_and_finished() {
    for after in [After::Insert, After::Transition] {
        let shop = Shop::open().await;
        let told = problem(silent(&shop, after).place(&keyed("k"), request()).await);
        assert_eq!(told.code, Code::OutcomeUnknown, "{after:?}: {told}");
        let order_id = pointed_at(&told);
        shop.recover().await;
        let order = shop.order(order_id).await;
        assert_eq!(order.step, "confirmed", "{after:?}");
        assert_eq!(shop.others.holdings(order_id), Holdings::CONFIRMED);
        assert_eq!(shop.place(&keyed("k")).await, Ok(order), "{after:?}: whoever comes back is told");
    }
}

#[tokio::test]
async fn a_cancellation_that_may_be_stored_is_told_as_open_and_finished() {
    let shop = Shop::open().await;
    let order_id = shop.confirmed().await.id;
    let told = problem(silent(&shop, After::Transition).cancel(&ctx(), CancelOrder { order_id }).await);
    assert_eq!((told.code, pointed_at(&told)), (Code::OutcomeUnknown, order_id));
    shop.recover().await;
    assert_eq!(shop.order(order_id).await.step, "refunded");
    assert!(shop.others.holdings(order_id).are_empty());
}
