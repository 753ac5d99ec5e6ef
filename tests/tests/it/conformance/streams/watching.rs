//! The bidirectional stream: a watcher says what it wants to hear of while it listens.

use std::sync::Arc;

use contracts::inventory::{StockLevel, WatchStock};
use contracts::{PortResult, Sku, Streaming};
use futures::StreamExt;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::UnboundedReceiverStream;

use super::super::house::{House, PATIENCE, unhurried, ways};
use super::super::scripted::Script;
use super::{hanging, next, problems};

type Levels = Streaming<PortResult<StockLevel>>;

/// What a watcher is told about `change`: which one it was, and whether it added or dropped.
fn echo(change: WatchStock) -> StockLevel {
    let (sku, available, reserved) = match change {
        WatchStock::Add(sku) => (sku, 1, 0),
        WatchStock::Drop(sku) => (sku, 0, 1),
    };
    StockLevel { sku, available, reserved, version: 1 }
}

fn level(sku: &str) -> StockLevel {
    echo(WatchStock::Add(Sku::from(sku)))
}

/// A caller's stream that is fed by hand.
fn by_hand() -> (mpsc::UnboundedSender<WatchStock>, Streaming<WatchStock>) {
    let (send, receive) = mpsc::unbounded_channel();
    (send, UnboundedReceiverStream::new(receive).boxed())
}

/// A watcher that is answered by `play`.
async fn watch(
    house: &House,
    changes: Streaming<WatchStock>,
    play: impl Fn(Streaming<WatchStock>) -> Levels + Send + Sync + 'static,
) -> Levels {
    house.callee.play(Script::Watch(Arc::new(play)));
    let opened = timeout(PATIENCE, house.clients.inventory.watch(&unhurried(), changes)).await;
    opened.expect("opens in time").expect("opens")
}

#[tokio::test]
async fn a_watch_speaks_and_listens_in_turn_and_ends_with_its_caller() {
    for way in ways().await {
        let house = House::over(way).await;
        let (send, changes) = by_hand();
        // nothing is sent before it is open
        let mut levels =
            watch(&house, changes, |changes| changes.map(|change| Ok(echo(change))).boxed()).await;
        for change in [
            WatchStock::Add("A-1".into()),
            WatchStock::Add("漢字".into()),
            WatchStock::Drop("A-1".into()),
            WatchStock::Add("A-1".into()),
        ] {
            send.send(change.clone()).expect("the stream is open");
            let level = next(&mut levels).await.expect("a level").expect("no problem");
            assert_eq!(level, echo(change), "over {way}");
        }
        drop(send);
        assert_eq!(next(&mut levels).await, None, "over {way}");
    }
}

#[tokio::test]
async fn levels_come_without_being_asked_for() {
    for way in ways().await {
        let house = House::over(way).await;
        let (_send, changes) = by_hand();
        let mut levels = watch(&house, changes, |_| hanging(vec![Ok(level("A")), Ok(level("B"))]).0).await;
        assert_eq!(next(&mut levels).await, Some(Ok(level("A"))), "over {way}");
        assert_eq!(next(&mut levels).await, Some(Ok(level("B"))), "over {way}");
    }
}

#[tokio::test]
async fn a_problem_in_the_middle_comes_as_it_is_and_is_the_end() {
    for way in ways().await {
        let house = House::over(way).await;
        for error in problems() {
            let (_send, changes) = by_hand();
            let told = error.clone();
            let mut levels = watch(&house, changes, move |_| {
                hanging(vec![Ok(level("A")), Err(told.clone()), Ok(level("never"))]).0
            })
            .await;
            assert_eq!(next(&mut levels).await, Some(Ok(level("A"))), "over {way}");
            assert_eq!(next(&mut levels).await, Some(Err(error)), "over {way}");
            assert_eq!(next(&mut levels).await, None, "over {way}");
        }
    }
}

#[tokio::test]
async fn letting_go_of_the_replies_ends_the_callees_stream() {
    for way in ways().await {
        let house = House::over(way).await;
        let (levels, dropped) = hanging(vec![Ok(level("A"))]);
        let levels = Mutex::new(Some(levels));
        let (_send, changes) = by_hand();
        let mut levels = watch(&house, changes, move |changes| {
            // listens to its caller, as every watch does, but never ends by itself
            let deaf = changes.filter_map(|_| std::future::ready(None));
            futures::stream::select(levels.lock().take().expect("is asked once"), deaf).boxed()
        })
        .await;
        assert_eq!(next(&mut levels).await, Some(Ok(level("A"))));
        assert!(!dropped.is_cancelled(), "over {way}");
        drop(levels);
        let noticed = timeout(PATIENCE, dropped.cancelled()).await;
        noticed.unwrap_or_else(|_| panic!("the callee's watch over {way} went on"));
    }
}
