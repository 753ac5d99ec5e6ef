//! Streams: items as they come, both ways at once, and how they end.

use std::sync::Arc;
use std::time::Duration;

use contracts::inventory::{StockLevel, WatchStock};
use contracts::shipping::{ShipmentStatus, TrackShipment, TrackingEvent};
use contracts::{
    Code, Effect, Fault, OrderId, PortError, PortResult, Problem, RemoteFailure, RemoteReason, Sku,
    Streaming, Timestamp,
};
use futures::StreamExt;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::house::{House, PATIENCE, WIRES, unhurried};
use super::scripted::Script;

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

fn station(sequence: u32) -> TrackingEvent {
    let status = ShipmentStatus::Shipped;
    TrackingEvent { order_id: OrderId(Uuid::nil()), sequence, status, note: "♻".into(), at: Timestamp(0) }
}

/// A list that hangs after its last item, and says when it is dropped.
fn hanging<T: Send + 'static>(items: Vec<PortResult<T>>) -> (Streaming<PortResult<T>>, CancellationToken) {
    let dropped = CancellationToken::new();
    let guard = dropped.clone().drop_guard();
    let items = futures::stream::iter(items).chain(futures::stream::pending());
    let guarded = items.map(move |item| {
        let _held = &guard;
        item
    });
    (guarded.boxed(), dropped)
}

/// The next item, which comes in time or never.
async fn next<T>(items: &mut Streaming<T>) -> Option<T> {
    timeout(PATIENCE, items.next()).await.expect("an item, or the end, in time")
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

/// A tracker that gets `stations`.
async fn track(
    house: &House,
    stations: Streaming<PortResult<TrackingEvent>>,
) -> Streaming<PortResult<TrackingEvent>> {
    let stations = Mutex::new(Some(stations));
    house.callee.play(Script::Track(Arc::new(move || stations.lock().take().expect("is asked once"))));
    let request = TrackShipment { order_id: OrderId(Uuid::nil()) };
    let opened = timeout(PATIENCE, house.clients.shipping.track(&unhurried(), request)).await;
    opened.expect("opens in time").expect("opens")
}

#[tokio::test]
async fn a_watch_speaks_and_listens_in_turn_and_ends_with_its_caller() {
    for wire in WIRES {
        let house = House::over(wire).await;
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
            assert_eq!(level, echo(change), "over {wire}");
        }
        drop(send);
        assert_eq!(next(&mut levels).await, None, "over {wire}");
    }
}

#[tokio::test]
async fn levels_come_without_being_asked_for() {
    for wire in WIRES {
        let house = House::over(wire).await;
        let (_send, changes) = by_hand();
        let mut levels = watch(&house, changes, |_| hanging(vec![Ok(level("A")), Ok(level("B"))]).0).await;
        assert_eq!(next(&mut levels).await, Some(Ok(level("A"))), "over {wire}");
        assert_eq!(next(&mut levels).await, Some(Ok(level("B"))), "over {wire}");
    }
}

#[tokio::test]
async fn stations_come_one_by_one_up_to_the_last() {
    for wire in WIRES {
        let house = House::over(wire).await;
        let (send, stations) = mpsc::unbounded_channel();
        let mut stations = track(&house, UnboundedReceiverStream::new(stations).boxed()).await;
        for sequence in 1..=3 {
            send.send(Ok(station(sequence))).expect("the stream is open");
            assert_eq!(next(&mut stations).await, Some(Ok(station(sequence))), "over {wire}");
        }
        drop(send);
        assert_eq!(next(&mut stations).await, None, "over {wire}");
    }
}

#[tokio::test]
async fn a_problem_in_the_middle_comes_as_it_is_and_is_the_end() {
    for wire in WIRES {
        let house = House::over(wire).await;
        for code in Code::ALL {
            let problem = Problem {
                code: *code,
                detail: "mitten drin: 漢字\n".into(),
                faults: vec![Fault { field: "add".into(), message: "ist unbekannt ✗".into() }],
                resource: Some("/stock/A".into()),
            };
            let error = PortError::Problem(problem);
            let (_send, changes) = by_hand();
            let told = error.clone();
            let mut levels = watch(&house, changes, move |_| {
                hanging(vec![Ok(level("A")), Err(told.clone()), Ok(level("never"))]).0
            })
            .await;
            assert_eq!(next(&mut levels).await, Some(Ok(level("A"))), "over {wire}");
            assert_eq!(next(&mut levels).await, Some(Err(error.clone())), "over {wire}");
            assert_eq!(next(&mut levels).await, None, "over {wire}");

            let stations = vec![Ok(station(1)), Err(error.clone()), Ok(station(2))];
            let mut stations = track(&house, hanging(stations).0).await;
            assert_eq!(next(&mut stations).await, Some(Ok(station(1))), "over {wire}");
            assert_eq!(next(&mut stations).await, Some(Err(error)), "over {wire}");
            assert_eq!(next(&mut stations).await, None, "over {wire}");
        }
    }
}

#[tokio::test]
async fn what_fails_behind_the_callee_in_the_middle_is_told_as_its_problem() {
    let failure = RemoteFailure {
        operation: "catalog.list".into(),
        wire: "grpc".into(),
        reason: RemoteReason::Unreachable,
        effect: Effect::None,
        detail: String::new(),
    };
    let expected = PortError::from(PortError::from(failure.clone()).into_problem());
    for wire in WIRES {
        let house = House::over(wire).await;
        let mut stations = track(&house, hanging(vec![Err(failure.clone().into())]).0).await;
        assert_eq!(next(&mut stations).await, Some(Err(expected.clone())), "over {wire}");
    }
}

#[tokio::test]
async fn letting_go_of_the_replies_ends_the_callees_stream() {
    for wire in WIRES {
        let house = House::over(wire).await;
        let (stations, dropped) = hanging(vec![Ok(station(1))]);
        let mut stations = track(&house, stations).await;
        assert_eq!(next(&mut stations).await, Some(Ok(station(1))));
        assert!(!dropped.is_cancelled(), "track over {wire}");
        drop(stations);
        let noticed = timeout(PATIENCE, dropped.cancelled()).await;
        noticed.unwrap_or_else(|_| panic!("the callee's track over {wire} went on"));

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
        assert!(!dropped.is_cancelled(), "watch over {wire}");
        drop(levels);
        let noticed = timeout(PATIENCE, dropped.cancelled()).await;
        noticed.unwrap_or_else(|_| panic!("the callee's watch over {wire} went on"));
    }
}

#[tokio::test]
async fn a_stream_goes_on_after_the_time_to_its_first_reply() {
    for wire in WIRES {
        let house = House::over(wire).await;
        let (send, stations) = mpsc::unbounded_channel();
        let stations = Mutex::new(Some(UnboundedReceiverStream::new(stations).boxed()));
        house.callee.play(Script::Track(Arc::new(move || stations.lock().take().expect("is asked once"))));
        let request = TrackShipment { order_id: OrderId(Uuid::nil()) };
        let hurried = unhurried().within(Duration::from_secs(1));
        let mut stations = house.clients.shipping.track(&hurried, request).await.expect("opens in time");
        tokio::time::sleep_until(hurried.deadline.instant()).await;
        send.send(Ok(station(1))).expect("the stream is open");
        assert_eq!(next(&mut stations).await, Some(Ok(station(1))), "over {wire}");
    }
}
