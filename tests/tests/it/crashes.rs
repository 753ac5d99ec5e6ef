//! Processes that die: orders at every point of an order's way, and every other one under way.

use contracts::orders::Order;
use contracts::{Code, OrderId};
use futures::future::join_all;
use rustix::process::Signal;
use serde_json::{Value, json};
use system_tests::ground::ground;
use system_tests::load::{Answer, Load, tally};
use system_tests::reply::Reply;
use system_tests::shop::{PATIENCE, Shop, order_of, signal};
use testkit::eventually;
use tradewind::audit::Tally;
use tradewind::topology::Part;
use tradewind::up::status::{ProcessStatus, State};

const PROGRAM: &str = env!("CARGO_BIN_EXE_tradewind-under-test");

/// What a customer goes through, but for the crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Story {
    /// All goes well.
    Bought,
    /// The bank says no.
    Declined,
    /// There is not so much of it.
    SoldOut,
    /// The bank takes so long that the goods are not kept any more: everything must be undone.
    Late,
    /// The customer cancels what was confirmed.
    CalledOff,
}

impl Story {
    fn order(self, customer: &str) -> Value {
        let mut order = match self {
            Self::Bought | Self::CalledOff => order_of("KIT-0001", 2, "tok_approve"),
            Self::Declined => order_of("KIT-0001", 2, "tok_decline"),
            // 652 there are
            Self::SoldOut => order_of("BAT-0009", 420, "tok_approve"),
            Self::Late => order_of("KIT-0001", 2, "tok_slow"),
        };
        order["customer_id"] = json!(customer);
        order
    }

    /// Where it ends, and why.
    fn ending(self) -> (&'static str, Option<Code>) {
        match self {
            Self::Bought => ("confirmed", None),
            Self::Declined => ("cancelled", Some(Code::CardDeclined)),
            Self::SoldOut => ("rejected", Some(Code::OutOfStock)),
            Self::Late => ("cancelled", Some(Code::ReservationExpired)),
            Self::CalledOff => ("refunded", None),
        }
    }
}

/// How long recovery leaves an order alone: longer than one step takes on a slow machine, where it would overtake a
/// living driver otherwise.
const LEASE_MS: u64 = 1_500;

/// Every point of the way to a confirmed order.
const FORWARD: [&str; 11] = [
    "reserving",
    "reserving:answered",
    "authorizing",
    "authorizing:answered",
    "scheduling",
    "scheduling:answered",
    "committing",
    "committing:answered",
    "capturing",
    "capturing:answered",
    "confirmed",
];
/// Every point from a bank's refusal on.
const DECLINED: [&str; 4] = ["authorizing:answered", "compensating", "compensating:answered", "cancelled"];
/// Every point from a warehouse's refusal on.
const SOLD_OUT: [&str; 2] = ["reserving:answered", "rejected"];
/// Every point from the refusal on that comes last, when all the others have done their part.
const LATE: [&str; 4] = ["committing:answered", "compensating", "compensating:answered", "cancelled"];
/// Every point from the customer's change of mind on.
const CALLED_OFF: [&str; 5] =
    ["cancelling", "cancelling:answered", "reversing", "reversing:answered", "refunded"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_dies_at_each_step_forward_and_the_order_is_confirmed() {
    // a process that dies again and again is started again ever later, so two shops share the points
    let (first, second) = FORWARD.split_at(FORWARD.len() / 2);
    let [first, second] = [first, second].map(|points| [(Story::Bought, points)]);
    tokio::join!(walk(&first), walk(&second));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_dies_at_each_step_back_and_everything_is_undone() {
    tokio::join!(
        walk(&[(Story::Declined, &DECLINED), (Story::SoldOut, &SOLD_OUT)]),
        walk(&[(Story::Late, &LATE)]),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_dies_at_each_step_of_a_cancellation_and_the_order_is_refunded() {
    walk(&[(Story::CalledOff, &CALLED_OFF)]).await;
}

/// Lets orders die at each point, and sees what becomes of the order.
async fn walk(stories: &[(Story, &[&str])]) {
    let shop = Shop::start(PROGRAM, &[]).await;
    shop.configure("orders", "saga.lease_ms", LEASE_MS).await;
    shop.configure("orders", "saga.recovery_every_ms", 100).await;
    let mut ids = Vec::new();
    for (story, points) in stories {
        if *story == Story::SoldOut {
            ids.push(shop.place_confirmed(&Story::SoldOut.order("early-bird")).await.id);
        }
        if *story == Story::Late {
            shop.configure("inventory", "reservations.ttl_ms", 1_000).await;
            // longer than the bank takes, or recovery would overtake whoever waits for it
            shop.configure("orders", "saga.lease_ms", 2_000 + LEASE_MS).await;
        }
        for point in *points {
            let order = die(&shop, *story, point).await;
            let (step, code) = story.ending();
            let why = order.reason.as_ref().map(|reason| reason.code.as_str());
            assert_eq!((order.step.as_str(), why), (step, code.map(Code::as_str)), "{story:?} at {point}");
            ids.push(order.id);
        }
    }
    shop.audit_clean(&ids).await;
    shop.stop().await;
}

/// One customer, whose order meets the death of its process at `point`; how it ends.
async fn die(shop: &Shop, story: Story, point: &str) -> Order {
    let customer = format!("{story:?}-{}", point.replace(':', "-"));
    let bought = match story {
        Story::CalledOff => Some(shop.place_confirmed(&story.order(&customer)).await.id),
        _ => None,
    };
    shop.configure("orders", "saga.abort_at", point).await;
    let before = shop.hosts("orders").await;

    let told = match bought {
        None => read(shop.place(&story.order(&customer), None).await).await,
        Some(id) => read(cancel(shop, id).await).await,
    };
    println!("{story:?} at {point}: told {told:?}");
    ground().cut_off(Part::Orders, &told);
    // the restarted process asks the config server, and shall not die there again
    shop.change("orders", "saga.abort_at", "").await;

    let now = eventually("the process that died to come back", PATIENCE, async || {
        let now = shop.hosts("orders").await;
        let ready = now.iter().all(|process| process.state == State::Ready);
        (ready && restarts(&now) > restarts(&before)).then_some(now)
    })
    .await;
    assert!(now.iter().any(was_aborted), "{story:?} at {point}: {now:?}");
    let order = eventually(&format!("the order of {customer} to rest"), PATIENCE, async || {
        let order = only(shop.orders_of(&customer).await?);
        let at_its_end = order.rests() && (story != Story::CalledOff || order.step != "confirmed");
        at_its_end.then_some(order)
    })
    .await;
    let steps = shop.timeline(order.id).await.entries;
    let versions: Vec<u64> = steps.iter().map(|entry| entry.version).collect();
    assert_eq!(versions, (1..=order.version).collect::<Vec<_>>(), "no step is lost or told twice");
    // and the point was one that its way led through
    let state = point.trim_end_matches(":answered");
    assert!(steps.iter().any(|entry| entry.to == state), "{steps:?}");
    order
}

/// How often they were started again: more than once after one death, where recovery meets the same point before the
/// change has arrived.
fn restarts(hosts: &[ProcessStatus]) -> u32 {
    hosts.iter().filter_map(|process| process.restarts).sum()
}

fn was_aborted(process: &ProcessStatus) -> bool {
    process.last_end.as_ref().is_some_and(|end| end.contains("signal 6"))
}

async fn read(sent: reqwest::Result<reqwest::Response>) -> reqwest::Result<Reply> {
    Reply::of(sent?).await
}

async fn cancel(shop: &Shop, id: OrderId) -> reqwest::Result<reqwest::Response> {
    shop.http.post(shop.url(&format!("/api/orders/{id}/cancel"))).send().await
}

#[track_caller]
fn only(orders: Vec<Order>) -> Order {
    let count = orders.len();
    orders.into_iter().next().filter(|_| count == 1).unwrap_or_else(|| panic!("{count} orders, not one"))
}

/// Mixed, so that a death meets orders on every way.
const CARDS: [&str; 7] = [
    "tok_approve",
    "tok_decline",
    "tok_approve",
    "tok_slow",
    "tok_insufficient_funds",
    "tok_flaky",
    "tok_charge_then_time_out",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_process_dies_comes_back_and_orders_go_on() {
    let shop = Shop::start(PROGRAM, &[]).await;
    shop.configure("orders", "saga.lease_ms", 2_000).await;
    let load = Load::start(&shop, &CARDS);
    let mut names = ground().processes();
    // everybody but the supervisor
    names.pop();
    for name in &names {
        load.confirms(3).await;
        let answered = load.answered();
        let died = shop.process(name).await;
        signal(&died, Signal::KILL);
        shop.back(std::slice::from_ref(&died)).await;
        load.confirms(5).await;
        let answers = load.since(answered);
        println!("{name} was killed: {:?}", tally(&answers));
        for answer in answers {
            check(&answer, &died);
        }
    }
    let told = load.stop().await;
    let (confirmed, known) = (told.confirmed(), told.orders());
    assert!(confirmed.len() >= names.len() * 8, "{}", confirmed.len());
    let report = shop.audit_clean(&known).await;
    let Tally { confirmed: kept, rejected, cancelled, refunded } = report.orders;
    assert_eq!((rejected, refunded), (0, 0), "nothing was sold out, and nobody cancelled");
    assert!(kept + cancelled <= told.keys, "a key made two orders: {report:?}, {} keys", told.keys);
    for order in join_all(confirmed.iter().map(|id| shop.order(*id))).await {
        assert_eq!(order.step, "confirmed", "as the customer was told");
    }
    shop.stop().await;
}

/// Whether a customer may be told this when this process was killed.
#[track_caller]
fn check(answer: &Answer, died: &ProcessStatus) {
    let fine = match answer {
        Answer::Confirmed(_) => true,
        // what was on the dead gateway's connections is lost; its socket is not, so nobody is shut out
        Answer::Lost(_) => died.modules.iter().any(|module| module == "gateway"),
        Answer::Refused(code, order, _) => match code {
            Code::CardDeclined | Code::InsufficientFunds | Code::InProgress => order.is_some(),
            Code::BadGateway
            | Code::Unavailable
            | Code::DependencyUnavailable
            | Code::DeadlineExceeded
            | Code::OutcomeUnknown => true,
            _ => false,
        },
        Answer::Accepted(_) | Answer::ShutOut(_) | Answer::Improper(_) => false,
    };
    assert!(fine, "{} was killed, and a customer was told {answer:?}", died.name);
}
