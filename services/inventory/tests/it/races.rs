//! Many callers at once, on two replicas that share a database.

use std::sync::Arc;

use contracts::Code;
use contracts::inventory::ReservationStatus::{Committed, Released, Reserved};
use futures::future::join_all;
use tokio::sync::Barrier;

use crate::shop::{Shop, order, outcome, shops};

/// Runs `count` tasks that start together, spread over two replicas.
pub async fn together<T, F>(
    shop: Shop,
    count: usize,
    work: impl Fn(Arc<Shop>, usize) -> F,
) -> (Arc<Shop>, Vec<T>)
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let replica = Arc::new(shop.replica().await);
    let shop = Arc::new(shop);
    let start = Arc::new(Barrier::new(count));
    let tasks = (0..count).map(|n| {
        let work = work(if n % 2 == 0 { shop.clone() } else { replica.clone() }, n);
        let start = start.clone();
        tokio::spawn(async move {
            start.wait().await;
            work.await
        })
    });
    let done = join_all(tasks).await.into_iter().map(|task| task.expect("does not panic")).collect();
    (shop, done)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_64_buyers_of_the_last_10_exactly_10_get_one() {
    for shop in shops().await {
        shop.stock(&[("A", 10)]).await;
        let (shop, outcomes) = together(shop, 64, |shop, _| async move {
            let order = order();
            match outcome(shop.reserve(order, &[("A", 1)]).await) {
                Ok(Reserved) => outcome(shop.commit(order).await),
                other => other,
            }
        })
        .await;
        let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
        assert_eq!((count(Ok(Committed)), count(Err(Code::OutOfStock))), (10, 54), "{outcomes:?}");
        assert_eq!(shop.books().await["A"], (0, 0, 10));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_that_name_the_same_products_in_opposite_order_do_not_block_each_other() {
    for shop in shops().await {
        shop.stock(&[("A", 1000), ("B", 1000), ("C", 1000)]).await;
        let (shop, outcomes) = together(shop, 32, |shop, n| async move {
            let forward = [("A", 1), ("B", 1), ("C", 1)];
            let backward = [("C", 1), ("B", 1), ("A", 1)];
            let wanted = if n % 4 < 2 { forward } else { backward };
            let order = order();
            let reserved = outcome(shop.reserve(order, &wanted).await);
            let ended = if n % 3 == 0 { shop.release(order).await } else { shop.commit(order).await };
            (reserved, outcome(ended))
        })
        .await;
        for (reserved, ended) in outcomes {
            assert_eq!(reserved, Ok(Reserved));
            assert!(matches!(ended, Ok(Committed | Released)), "{ended:?}");
        }
        let books = shop.books().await;
        assert!(books.values().all(|account| *account == books["A"]), "{books:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repetitions_of_one_reserve_at_the_same_time_set_goods_aside_once() {
    for shop in shops().await {
        shop.stock(&[("A", 10)]).await;
        let order = order();
        let (shop, outcomes) =
            together(shop, 16, |shop, _| async move { outcome(shop.reserve(order, &[("A", 3)]).await) })
                .await;
        assert_eq!(outcomes, [Ok(Reserved); 16]);
        assert_eq!(shop.books().await["A"], (7, 3, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_wins_whatever_it_races_with() {
    for shop in shops().await {
        shop.stock(&[("A", 100)]).await;
        let orders: Vec<_> = (0..12).map(|_| order()).collect();
        let raced = orders.clone();
        let (shop, outcomes) = together(shop, 36, move |shop, n| {
            let order = raced[n / 3];
            async move {
                match n % 3 {
                    0 => (n, outcome(shop.reserve(order, &[("A", 2)]).await)),
                    1 => (n, outcome(shop.commit(order).await)),
                    _ => (n, outcome(shop.release(order).await)),
                }
            }
        })
        .await;
        for (n, outcome) in outcomes {
            let possible = match n % 3 {
                0 => matches!(outcome, Ok(Reserved | Committed) | Err(Code::Compensated)),
                1 => matches!(outcome, Ok(Committed) | Err(Code::NotFound | Code::Compensated)),
                _ => outcome == Ok(Released),
            };
            assert!(possible, "task {n}: {outcome:?}");
        }
        for order in orders {
            assert_eq!(outcome(shop.reservation(order).await), Ok(Released));
        }
        assert_eq!(shop.books().await["A"], (100, 0, 0));
    }
}
