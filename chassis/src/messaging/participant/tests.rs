//! The two handlers, on both engines, with a service that says what a test tells it to.

use std::collections::VecDeque;

use contracts::inventory::{
    CommitStock, InventoryEvent, ReleaseStock, Reservation, ReservationStatus, ReserveStock,
};
use contracts::messages::queues::{DELIVERY_LIMIT, INVENTORY_COMMANDS, INVENTORY_EVENTS};
use contracts::messages::{CommandReply, MessageId, Outcome};
use contracts::orders::{Coordination, Reason};
use contracts::{Code, OrderId, PortError, Problem, Timestamp, TraceContext};
use parking_lot::Mutex;
use serde_json::{Value, json};
use sqlx::migrate::Migrator;
use uuid::Uuid;

use super::*;
use crate::clock::ManualClock;
use crate::messaging::{Delivery, Handled, Handler};
use crate::store::{Store, StoreUrl};

const ORDER: OrderId = OrderId(Uuid::from_u128(7));
const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

/// Gives stock back, or says why not.
#[derive(Default)]
struct Fake {
    says: Mutex<VecDeque<PortResult<Reservation>>>,
    origins: Mutex<Vec<Origin>>,
}

impl Asks for ReleaseStock {
    const NAME: &'static str = "inventory";
    const COMMANDS: &'static Queue = &INVENTORY_COMMANDS;
    const EVENTS: &'static Queue = &INVENTORY_EVENTS;

    type Entry = Reservation;
    type Event = InventoryEvent;

    fn commanded(command: Command) -> Option<Self> {
        match command {
            Command::ReleaseStock(request) => Some(request),
            _ => None,
        }
    }

    fn asked(event: &Message) -> Result<Option<Self>, String> {
        Ok(heard::<InventoryEvent>(event)?.map(|event| Self { order_id: event.subject() }))
    }

    fn told(&self, result: &PortResult<Reservation>) -> Told<InventoryEvent> {
        match result {
            Ok(claim) => Told::Fact(InventoryEvent::StockReleased { reservation: claim.clone() }),
            Err(error) => Told::refused(error, |reason| match reason.code.as_str() {
                "conflict" => None,
                _ => Some(InventoryEvent::StockRefused { order_id: self.order_id, reason }),
            }),
        }
    }
}

#[async_trait]
impl Participant for Fake {
    type Request = ReleaseStock;

    async fn perform(&self, _: &Context, request: &ReleaseStock, origin: &Origin) -> PortResult<Reservation> {
        assert_eq!(request.order_id, ORDER);
        self.origins.lock().push(origin.clone());
        self.says.lock().pop_front().unwrap_or_else(|| Ok(released()))
    }
}

fn released() -> Reservation {
    Reservation { order_id: ORDER, status: ReservationStatus::Released, lines: Vec::new(), expires_at: NOW }
}

fn refused(code: Code) -> PortResult<Reservation> {
    Err(Problem::new(code, "as the test says").into())
}

/// Both handlers over one database.
struct Bench {
    fake: Arc<Fake>,
    store: Store,
    events: EventHandler<Fake>,
    commands: CommandHandler<Fake>,
    _database: testkit::Database,
}

async fn benches() -> Vec<Bench> {
    let mut benches = Vec::new();
    for database in testkit::databases().await {
        let url = StoreUrl::parse(&database.url).expect("an address");
        let tables = Migrator::with_migrations(Vec::new());
        let store = Store::open(&url, ReleaseStock::NAME, tables).await.expect("opens");
        let (fake, clock) = (Arc::new(Fake::default()), Arc::new(ManualClock::at(NOW)));
        let mailbox = Mailbox::open(&store, ReleaseStock::NAME, clock.clone()).await.expect("opens");
        benches.push(Bench {
            events: EventHandler::new(fake.clone(), mailbox.clone(), clock.clone()),
            commands: CommandHandler::new(fake.clone(), mailbox, clock),
            fake,
            store,
            _database: database,
        });
    }
    benches
}

impl Bench {
    fn says(&self, said: impl IntoIterator<Item = PortResult<Reservation>>) {
        self.fake.says.lock().extend(said);
    }

    fn calls(&self) -> usize {
        self.fake.origins.lock().len()
    }

    /// What was said, oldest first: the name and what it says.
    async fn outbox(&self) -> Vec<(String, Value)> {
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT kind, data FROM inventory_outbox ORDER BY position")
                .fetch_all(self.store.read())
                .await
                .expect("reads");
        let said = |(kind, data): (String, String)| {
            let name = kind.split('.').nth(2).expect("a name").to_owned();
            (name, serde_json::from_str(&data).expect("JSON"))
        };
        rows.into_iter().map(said).collect()
    }

    async fn names(&self) -> Vec<String> {
        self.outbox().await.into_iter().map(|(name, _)| name).collect()
    }

    async fn inbox(&self) -> i64 {
        let count = sqlx::query_scalar("SELECT COUNT(*) FROM inventory_inbox");
        count.fetch_one(self.store.read()).await.expect("counts")
    }

    /// What was replied to the only command.
    async fn outcome(&self) -> Outcome {
        let (name, data) = self.outbox().await.pop().expect("a reply");
        assert_eq!(name, "replied");
        let reply: CommandReply = serde_json::from_value(data).expect("a reply");
        assert_eq!((reply.order_id, reply.command.as_str()), (ORDER, "release_stock"));
        reply.outcome
    }
}

fn origin(coordination: Coordination) -> Origin {
    Origin { coordination, trace: TraceContext::root(), passed: None }
}

fn event() -> Delivery {
    let reason = Reason { code: "reservation_expired".into(), detail: String::new() };
    let event = InventoryEvent::StockCommitRefused { order_id: ORDER, reason };
    let cause = MessageId::random();
    let message = event.answer(cause, &origin(Coordination::Choreographed), NOW).message;
    Delivery { message, queue: INVENTORY_EVENTS.name, attempt: 1 }
}

fn given(command: Command) -> Delivery {
    let message = command.message(MessageId::random(), 1, &origin(Coordination::Orchestrated), NOW).message;
    Delivery { message, queue: INVENTORY_COMMANDS.name, attempt: 1 }
}

fn command() -> Delivery {
    given(Command::ReleaseStock(ReleaseStock { order_id: ORDER }))
}

#[tokio::test]
async fn a_message_is_answered_once_however_often_it_comes() {
    for bench in benches().await {
        let (event, command) = (event(), command());
        for _ in 0..3 {
            assert_eq!(bench.events.handle(&event).await, Handled::Done);
            assert_eq!(bench.commands.handle(&command).await, Handled::Done);
        }
        assert_eq!(bench.calls(), 2, "repetitions are known by the inbox");
        assert_eq!(bench.names().await, ["stock_released", "replied"]);
        assert_eq!(bench.inbox().await, 2);
    }
}

#[tokio::test]
async fn what_is_done_for_a_message_is_done_under_its_coordination_and_in_its_trace() {
    for bench in benches().await {
        let event = event();
        bench.events.handle(&event).await;
        let origin = bench.fake.origins.lock()[0].clone();
        assert_eq!(origin.coordination, Coordination::Choreographed);
        assert_eq!(origin.trace.trace_id, event.message.trace.trace_id);
    }
}

#[tokio::test]
async fn a_decision_against_an_event_is_answered() {
    for bench in benches().await {
        bench.says([refused(Code::OutOfStock)]);
        assert_eq!(bench.events.handle(&event()).await, Handled::Done);
        let (name, data) = bench.outbox().await.pop().expect("an answer");
        assert_eq!(name, "stock_refused");
        assert_eq!(data["reason"], json!({"code": "out_of_stock", "detail": "as the test says"}));
    }
}

/// It came again, after what it led to was undone: a refusal now would be a second answer to it.
#[tokio::test]
async fn what_was_undone_in_the_meantime_is_noted_and_not_answered() {
    for bench in benches().await {
        bench.says([refused(Code::Compensated)]);
        assert_eq!(bench.events.handle(&event()).await, Handled::Done);
        assert_eq!((bench.outbox().await.len(), bench.inbox().await), (0, 1));
    }
}

#[tokio::test]
async fn a_refusal_that_nobody_expects_is_put_aside() {
    for bench in benches().await {
        bench.says([refused(Code::Conflict)]);
        let handled = bench.events.handle(&event()).await;
        assert!(matches!(&handled, Handled::Hopeless(cause) if cause.contains("as the test says")));
        assert_eq!((bench.outbox().await.len(), bench.inbox().await), (0, 0));
    }
}

#[tokio::test]
async fn what_is_no_decision_is_tried_again_and_then_done() {
    for bench in benches().await {
        for (handler, delivery) in
            [(&bench.events as &dyn Handler, event()), (&bench.commands as &dyn Handler, command())]
        {
            bench.says([refused(Code::Unavailable), refused(Code::OutcomeUnknown)]);
            for _ in 0..2 {
                assert!(matches!(handler.handle(&delivery).await, Handled::Again(_)));
            }
            assert_eq!(handler.handle(&delivery).await, Handled::Done);
        }
        assert_eq!(bench.names().await, ["stock_released", "replied"]);
    }
}

#[tokio::test]
async fn a_decision_against_a_command_is_its_reply() {
    for bench in benches().await {
        bench.says([refused(Code::Compensated)]);
        assert_eq!(bench.commands.handle(&command()).await, Handled::Done);
        let expected = Outcome::Failed {
            code: "compensated".into(),
            detail: "as the test says".into(),
            may_have_happened: false,
        };
        assert_eq!(bench.outcome().await, expected);
    }
}

/// The saga must go on: it learns that nobody knows, rather than nothing at all.
#[tokio::test]
async fn a_command_at_its_last_attempt_is_answered_that_it_may_have_happened() {
    for bench in benches().await {
        bench.says([refused(Code::Unavailable)]);
        let last = Delivery { attempt: DELIVERY_LIMIT, ..command() };
        assert_eq!(bench.commands.handle(&last).await, Handled::Done);
        let expected = Outcome::Failed {
            code: "unavailable".into(),
            detail: "as the test says".into(),
            may_have_happened: true,
        };
        assert_eq!(bench.outcome().await, expected);
        bench.says([refused(Code::Unavailable)]);
        let last = Delivery { attempt: DELIVERY_LIMIT, ..event() };
        assert!(matches!(bench.events.handle(&last).await, Handled::Again(_)), "nobody waits for an event");
    }
}

#[tokio::test]
async fn what_asks_nothing_is_ignored_and_what_cannot_be_read_is_put_aside() {
    for bench in benches().await {
        let of_a_later_release = |mut delivery: Delivery| {
            delivery.message.kind = delivery.message.kind.replace(".v1", ".v2");
            delivery
        };
        let broken = |mut delivery: Delivery| {
            delivery.message.data = json!({"type": "release_stock", "order_id": 7});
            delivery
        };
        assert_eq!(bench.events.handle(&of_a_later_release(event())).await, Handled::Done);
        assert_eq!(bench.commands.handle(&of_a_later_release(command())).await, Handled::Done);
        let for_another = given(Command::CommitStock(CommitStock { order_id: ORDER }));
        assert_eq!(bench.commands.handle(&for_another).await, Handled::Done);
        assert_eq!(bench.inbox().await, 3, "what is ignored is accounted for");
        assert!(matches!(bench.events.handle(&broken(event())).await, Handled::Hopeless(_)));
        assert!(matches!(bench.commands.handle(&broken(command())).await, Handled::Hopeless(_)));
        assert_eq!((bench.calls(), bench.outbox().await.len(), bench.inbox().await), (0, 0, 3));
    }
}

#[tokio::test]
async fn a_database_that_is_away_loses_no_message() {
    for bench in benches().await {
        bench.store.close().await;
        assert!(matches!(bench.events.handle(&event()).await, Handled::Again(_)));
        let last = Delivery { attempt: DELIVERY_LIMIT, ..command() };
        assert!(matches!(bench.commands.handle(&last).await, Handled::Again(_)));
    }
}

#[test]
fn a_reply_names_its_command_and_an_open_outcome_is_none() {
    let command = Command::ReserveStock(ReserveStock { order_id: ORDER, lines: Vec::new() });
    let done = replied(&command, Ok(())).expect("a reply");
    assert_eq!((done.command.as_str(), done.outcome), ("reserve_stock", Outcome::Done));
    let open = PortError::from(Problem::new(Code::OutcomeUnknown, ""));
    assert_eq!(replied::<()>(&command, Err(open.clone())), Err(open));
}
