//! Streams through a broker hold no more than a bounded number of messages, whoever is slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use contracts::inventory::{StockLevel, WatchStock};
use contracts::{Code, PortResult, Sku};
use futures::StreamExt;
use testkit::{brokers, eventually};
use tokio::time::timeout;

use super::super::house::{PATIENCE, unhurried};
use super::super::scripted::Script;
use super::house;

fn level(version: u64) -> StockLevel {
    StockLevel { version, ..super::level() }
}

#[tokio::test]
async fn a_callee_is_held_back_by_a_caller_that_does_not_read_and_nothing_is_lost() {
    for host in brokers().await {
        // many times what may be on its way at once
        const LEVELS: u64 = 2_000;
        let made = Arc::new(AtomicU64::new(0));
        let counting = made.clone();
        let script = Script::Watch(Arc::new(move |_| {
            let made = counting.clone();
            let levels = (0..LEVELS).map(move |version| {
                made.fetch_add(1, Ordering::Relaxed);
                Ok(level(version))
            });
            futures::stream::iter(levels).boxed()
        }));
        let (_callee, house) = house(host, script).await;
        let changes = futures::stream::pending().boxed();
        let mut levels = house.clients().inventory.watch(&unhurried(), changes).await.expect("opens");
        let window = u64::from(chassis::messaging::rpc::WINDOW);
        let made_so_far = || made.load(Ordering::Relaxed);
        eventually("the callee to send what it may", PATIENCE, || async {
            (made_so_far() >= window).then_some(())
        })
        .await;
        for version in 0..LEVELS {
            let next: Option<PortResult<StockLevel>> =
                timeout(PATIENCE, levels.next()).await.expect("comes in time");
            assert_eq!(next, Some(Ok(level(version))));
            // what was taken, what may be on its way, and the two that the caller's side holds
            assert!(made_so_far() <= version + 1 + window + 2, "{} made, {version} read", made_so_far());
        }
        assert_eq!(levels.next().await, None);
    }
}

#[tokio::test]
async fn a_caller_that_is_not_read_is_told_so() {
    for host in brokers().await {
        let script = Script::Watch(Arc::new(|changes| {
            // keeps what the caller says, and never looks at it
            futures::stream::poll_fn(move |_| {
                let _unread = &changes;
                Poll::Pending
            })
            .boxed()
        }));
        let (_callee, house) = house(host, script).await;
        let endless = futures::stream::repeat_with(|| WatchStock::Add(Sku::from("A-1")));
        let mut levels = house.clients().inventory.watch(&unhurried(), endless.boxed()).await.expect("opens");
        let refused = timeout(PATIENCE, levels.next()).await.expect("in time").expect("not just its end");
        assert_eq!(refused.expect_err("a problem").code(), Some(Code::Unavailable));
        assert_eq!(levels.next().await, None);
    }
}
