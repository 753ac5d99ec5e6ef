//! The streams that answer one question with many items. Each has an adapter of its own in its service,
//! and so each is tried.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use contracts::messages::MessageId;
use contracts::notifications::{Delivery, Notification, STREAM, StreamNotifications};
use contracts::orders::{Direction, FOLLOW, FollowOrder, TimelineEntry};
use contracts::shipping::{ShipmentStatus, TRACK, TrackShipment, TrackingEvent};
use contracts::{
    Context, CustomerId, Effect, Operation, OrderId, PortError, PortResult, RemoteFailure, RemoteReason,
    Shape, Streaming, Timestamp,
};
use futures::StreamExt;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::UnboundedReceiverStream;
use uuid::Uuid;

use super::super::house::{Clients, House, PATIENCE, Way, unhurried, ways};
use super::super::scripted::{Script, Value};
use super::{hanging, next, problems};

/// A way to listen.
#[async_trait]
trait Listening {
    const OPERATION: &'static Operation;
    type Item: Any + Clone + PartialEq + Debug + Send + Sync;

    /// An item unlike those of other numbers.
    fn item(number: u32) -> Self::Item;

    /// Begins to listen.
    async fn begin(clients: &Clients, ctx: &Context) -> PortResult<Streaming<PortResult<Self::Item>>>;
}

struct Track;

#[async_trait]
impl Listening for Track {
    const OPERATION: &'static Operation = &TRACK;
    type Item = TrackingEvent;

    fn item(sequence: u32) -> TrackingEvent {
        TrackingEvent {
            order_id: OrderId(Uuid::nil()),
            sequence,
            status: ShipmentStatus::Shipped,
            note: "♻".into(),
            at: Timestamp(0),
        }
    }

    async fn begin(clients: &Clients, ctx: &Context) -> PortResult<Streaming<PortResult<TrackingEvent>>> {
        clients.shipping.track(ctx, TrackShipment { order_id: OrderId(Uuid::nil()) }).await
    }
}

struct Follow;

#[async_trait]
impl Listening for Follow {
    const OPERATION: &'static Operation = &FOLLOW;
    type Item = TimelineEntry;

    fn item(version: u32) -> TimelineEntry {
        TimelineEntry {
            version: version.into(),
            at: Timestamp(0),
            from: None,
            to: "reserving".into(),
            cause: "placed".into(),
            detail: "♻".into(),
            direction: Direction::Forward,
            trace_id: String::new(),
        }
    }

    async fn begin(clients: &Clients, ctx: &Context) -> PortResult<Streaming<PortResult<TimelineEntry>>> {
        clients.orders.follow(ctx, FollowOrder { order_id: OrderId(Uuid::nil()), after: None }).await
    }
}

struct Notify;

#[async_trait]
impl Listening for Notify {
    const OPERATION: &'static Operation = &STREAM;
    type Item = Notification;

    fn item(number: u32) -> Notification {
        Notification {
            id: MessageId(Uuid::from_u128(number.into())),
            event: "order_confirmed".into(),
            order_id: OrderId(Uuid::nil()),
            customer_id: CustomerId("ada".into()),
            to: "ada@example.org".into(),
            subject: "♻".into(),
            body: String::new(),
            written_at: Timestamp(0),
            delivery: Delivery::Sent,
        }
    }

    async fn begin(clients: &Clients, ctx: &Context) -> PortResult<Streaming<PortResult<Notification>>> {
        let request = StreamNotifications { customer_id: CustomerId("ada".into()), after: None };
        clients.notifications.stream(ctx, request).await
    }
}

/// Runs the same test for every way to listen, over every wire.
macro_rules! for_each_way_to_listen {
    ($test:ident) => {
        for way in ways().await {
            $test::<Track>(way).await;
            $test::<Follow>(way).await;
            $test::<Notify>(way).await;
        }
    };
}

#[test]
fn no_way_to_listen_is_left_out() {
    let ways = [Track::OPERATION, Follow::OPERATION, Notify::OPERATION];
    for operation in contracts::all_operations() {
        assert_eq!(operation.shape == Shape::ServerStream, ways.contains(&operation), "{operation}");
    }
}

/// From now on the callee answers a listener with `items`.
fn script<L: Listening>(house: &House, items: Streaming<PortResult<L::Item>>) {
    let items = Mutex::new(Some(items.map(|item| item.map(|item| Arc::new(item) as Value)).boxed()));
    house.callee.play(Script::Listen(Arc::new(move || items.lock().take().expect("is asked once"))));
}

/// A listener that gets `items`.
async fn listen<L: Listening>(
    house: &House,
    items: Streaming<PortResult<L::Item>>,
) -> Streaming<PortResult<L::Item>> {
    script::<L>(house, items);
    let opened = timeout(PATIENCE, L::begin(&house.clients, &unhurried())).await;
    opened.expect("opens in time").expect("opens")
}

#[tokio::test]
async fn items_come_one_by_one_up_to_the_last() {
    for_each_way_to_listen!(one_by_one);
}

async fn one_by_one<L: Listening>(way: Way) {
    let how = format!("{} over {way}", L::OPERATION);
    let house = House::over(way).await;
    let (send, items) = mpsc::unbounded_channel();
    let mut items = listen::<L>(&house, UnboundedReceiverStream::new(items).boxed()).await;
    for number in 1..=3 {
        send.send(Ok(L::item(number))).expect("the stream is open");
        assert_eq!(next(&mut items).await, Some(Ok(L::item(number))), "{how}");
    }
    drop(send);
    assert_eq!(next(&mut items).await, None, "{how}");
}

#[tokio::test]
async fn a_problem_in_the_middle_comes_as_it_is_and_is_the_end() {
    for_each_way_to_listen!(ends_with_a_problem);
}

async fn ends_with_a_problem<L: Listening>(way: Way) {
    let how = format!("{} over {way}", L::OPERATION);
    let house = House::over(way).await;
    for error in problems() {
        let items = vec![Ok(L::item(1)), Err(error.clone()), Ok(L::item(2))];
        let mut items = listen::<L>(&house, hanging(items).0).await;
        assert_eq!(next(&mut items).await, Some(Ok(L::item(1))), "{how}");
        assert_eq!(next(&mut items).await, Some(Err(error)), "{how}");
        assert_eq!(next(&mut items).await, None, "{how}");
    }
}

#[tokio::test]
async fn what_fails_behind_the_callee_in_the_middle_is_told_as_its_problem() {
    for_each_way_to_listen!(tells_a_failure_as_a_problem);
}

async fn tells_a_failure_as_a_problem<L: Listening>(way: Way) {
    let failure = RemoteFailure {
        operation: "catalog.list".into(),
        wire: "grpc".into(),
        reason: RemoteReason::Unreachable,
        effect: Effect::None,
        detail: String::new(),
    };
    let expected = PortError::from(PortError::from(failure.clone()).into_problem());
    let house = House::over(way).await;
    let mut items = listen::<L>(&house, hanging(vec![Err(failure.into())]).0).await;
    assert_eq!(next(&mut items).await, Some(Err(expected)), "{} over {way}", L::OPERATION);
}

#[tokio::test]
async fn letting_go_of_the_replies_ends_the_callees_stream() {
    for_each_way_to_listen!(ends_with_its_listener);
}

async fn ends_with_its_listener<L: Listening>(way: Way) {
    let how = format!("{} over {way}", L::OPERATION);
    let house = House::over(way).await;
    let (items, dropped) = hanging(vec![Ok(L::item(1))]);
    let mut items = listen::<L>(&house, items).await;
    assert_eq!(next(&mut items).await, Some(Ok(L::item(1))), "{how}");
    assert!(!dropped.is_cancelled(), "{how}");
    drop(items);
    let noticed = timeout(PATIENCE, dropped.cancelled()).await;
    noticed.unwrap_or_else(|_| panic!("the callee's {how} went on"));
}

#[tokio::test]
async fn a_stream_goes_on_after_the_time_to_its_first_reply() {
    for_each_way_to_listen!(outlives_its_deadline);
}

async fn outlives_its_deadline<L: Listening>(way: Way) {
    let house = House::over(way).await;
    let (send, items) = mpsc::unbounded_channel();
    script::<L>(&house, UnboundedReceiverStream::new(items).boxed());
    let hurried = unhurried().within(Duration::from_secs(1));
    let mut items = L::begin(&house.clients, &hurried).await.expect("opens in time");
    tokio::time::sleep_until(hurried.deadline.instant()).await;
    send.send(Ok(L::item(1))).expect("the stream is open");
    assert_eq!(next(&mut items).await, Some(Ok(L::item(1))), "{} over {way}", L::OPERATION);
}
