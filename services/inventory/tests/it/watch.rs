//! Watchers: levels as they change, from this process and from another.

use std::sync::Arc;
use std::time::Duration;

use chassis::config::Live;
use contracts::inventory::{Inventory, StockLevel, WatchStock};
use contracts::{Code, PortResult, Streaming};
use futures::{FutureExt, StreamExt};
use inventory::MOST_WATCHED;
use inventory::config::WatchConfig;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use crate::shop::{PATIENCE, Shop, ctx, order, problem, shops};

struct Watching {
    changes: Option<mpsc::Sender<WatchStock>>,
    levels: Streaming<PortResult<StockLevel>>,
}

impl Watching {
    async fn on(shop: &Shop) -> Self {
        let (changes, wanted) = mpsc::channel(8);
        let levels = shop.service.watch(&ctx(), ReceiverStream::new(wanted).boxed()).await.expect("watches");
        Self { changes: Some(changes), levels }
    }

    fn send(&mut self, change: WatchStock) {
        // nobody reads while nobody waits for levels, so what is sent must fit into the channel
        self.changes.as_ref().expect("not hung up").try_send(change).expect("the watcher listens");
    }

    async fn next(&mut self) -> Option<PortResult<StockLevel>> {
        tokio::time::timeout(PATIENCE, self.levels.next()).await.expect("an answer in time")
    }

    async fn level(&mut self) -> (String, u32) {
        let level = self.next().await.expect("goes on").expect("a level");
        (level.sku.0, level.available)
    }

    async fn add(&mut self, sku: &str) -> (String, u32) {
        self.send(WatchStock::Add(sku.into()));
        self.level().await
    }
}

#[tokio::test]
async fn a_product_is_answered_when_added_then_whenever_it_changes_until_it_is_dropped() {
    for shop in shops().await {
        shop.stock(&[("A", 10), ("B", 20)]).await;
        let mut watching = Watching::on(&shop).await;
        assert_eq!(watching.add("A").await, ("A".into(), 10));
        assert_eq!(watching.add("B").await, ("B".into(), 20));
        let claim = order();
        shop.reserve(claim, &[("A", 3)]).await.expect("there is enough");
        assert_eq!(watching.level().await, ("A".into(), 7));
        shop.release(claim).await.expect("gives back");
        assert_eq!(watching.level().await, ("A".into(), 10));

        watching.send(WatchStock::Drop("A".into()));
        assert_eq!(watching.add("B").await, ("B".into(), 20), "answered again, and A is dropped by now");
        shop.reserve(order(), &[("A", 1), ("B", 1)]).await.expect("there is enough");
        assert_eq!(watching.level().await, ("B".into(), 19));
        assert!(watching.levels.next().now_or_never().is_none(), "nothing of A");

        watching.changes = None;
        assert!(watching.next().await.is_none(), "ends with the caller's stream");
    }
}

#[tokio::test]
async fn a_caller_that_hangs_up_at_once_still_gets_its_answers() {
    for shop in shops().await {
        shop.stock(&[("A", 1), ("B", 2)]).await;
        let wanted = futures::stream::iter(["A", "B"].map(|sku| WatchStock::Add(sku.into()))).boxed();
        let levels = shop.service.watch(&ctx(), wanted).await.expect("watches");
        let levels: Vec<_> = levels.map(|level| level.expect("a level").available).collect().await;
        assert_eq!(levels, [1, 2]);
    }
}

#[tokio::test]
async fn an_unknown_product_and_one_too_many_end_the_stream() {
    for shop in shops().await {
        let names: Vec<String> = (0..=MOST_WATCHED).map(|n| format!("W-{n}")).collect();
        let stock: Vec<_> = names.iter().map(|sku| (sku.as_str(), 1)).collect();
        shop.stock(&stock).await;

        for (unknown, code) in [("NO-1", Code::UnknownSku), ("not a name", Code::InvalidRequest)] {
            let mut watching = Watching::on(&shop).await;
            watching.add("W-0").await;
            watching.send(WatchStock::Add(unknown.into()));
            assert_eq!(problem(watching.next().await.expect("an answer")).code, code);
            assert!(watching.next().await.is_none());
        }

        let mut watching = Watching::on(&shop).await;
        for sku in &names[..MOST_WATCHED] {
            watching.add(sku).await;
        }
        watching.add("W-0").await;
        watching.send(WatchStock::Add(names[MOST_WATCHED].as_str().into()));
        assert_eq!(problem(watching.next().await.expect("an answer")).code, Code::InvalidRequest);
    }
}

#[tokio::test]
async fn a_slow_watcher_gets_the_latest_level_and_no_backlog() {
    for shop in shops().await {
        shop.stock(&[("A", 100)]).await;
        let mut watching = Watching::on(&shop).await;
        watching.add("A").await;
        for _ in 0..20 {
            shop.reserve(order(), &[("A", 1)]).await.expect("there is enough");
        }
        assert_eq!(watching.level().await, ("A".into(), 80));
        assert!(watching.levels.next().now_or_never().is_none(), "the levels in between are skipped");
    }
}

#[tokio::test]
async fn a_change_by_another_replica_is_seen_soon() {
    for shop in shops().await {
        shop.stock(&[("A", 10)]).await;
        let replica = shop.replica().await;
        let mut watching = Watching::on(&shop).await;
        watching.add("A").await;
        replica.reserve(order(), &[("A", 4)]).await.expect("there is enough");
        assert!(watching.levels.next().now_or_never().is_none(), "this process has not heard of it");

        let shutdown = CancellationToken::new();
        let config = Live::fixed(WatchConfig { poll_ms: 10 });
        let store = Arc::clone(&shop.store);
        let refresh = inventory::board::refresh(shop.board.clone(), store, config, shutdown.clone());
        let refresh = tokio::spawn(refresh);
        assert_eq!(watching.level().await, ("A".into(), 6));
        shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(5), refresh).await.expect("ends").expect("does not panic");
    }
}
