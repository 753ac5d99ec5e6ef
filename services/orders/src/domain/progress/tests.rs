//! What inputs make of an order, in every coordination, and in every order of their coming.

use contracts::payments::CardToken;
use contracts::types::Address;
use contracts::{Code, CustomerId, Money, OrderId};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain::saga::Undo;

const AT: Timestamp = Timestamp(1_700_000_001_000_000);
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn order(coordination: Coordination, state: State) -> StoredOrder {
    StoredOrder {
        id: OrderId(Uuid::from_u128(7)),
        customer_id: CustomerId("ada".into()),
        state,
        early: Vec::new(),
        coordination,
        lines: Vec::new(),
        card: CardToken("tok_approve".into()),
        address: Address {
            name: String::new(),
            street: String::new(),
            city: String::new(),
            postal_code: String::new(),
            country: String::new(),
        },
        shipping: Money::eur(1),
        total: Money::eur(2),
        reason: None,
        placed_at: Timestamp(0),
        updated_at: Timestamp(0),
        version: 1,
    }
}

fn refused(effect: Effect) -> Input {
    Input::Refused(effect, Reason { code: Code::Conflict, detail: "for the test".into() })
}

/// A choreographed run: what the modules say, where it begins, and how it ends.
struct Run {
    from: State,
    news: Vec<Input>,
    end: State,
}

/// Every legal run.
fn runs() -> Vec<Run> {
    use Effect::*;
    let done = |effects: &[Effect]| effects.iter().copied().map(Input::Done).collect::<Vec<_>>();
    let then = |before: &[Effect], no: Effect, after: &[Effect]| {
        [done(before), vec![refused(no)], done(after)].concat()
    };
    let (forward, undone) = (
        [ReserveStock, AuthorizePayment, ScheduleShipment, CommitStock, CapturePayment],
        [RecallShipment, VoidPayment, ReleaseStock],
    );
    let run = |from, news, end| Run { from, news, end };
    vec![
        run(State::Reserving, done(&forward), State::Confirmed),
        run(State::Reserving, then(&[], ReserveStock, &[]), State::Rejected),
        run(State::Reserving, then(&forward[..1], AuthorizePayment, &undone[2..]), State::Cancelled),
        run(State::Reserving, then(&forward[..2], ScheduleShipment, &undone[1..]), State::Cancelled),
        run(State::Reserving, then(&forward[..3], CommitStock, &undone), State::Cancelled),
        run(State::Reserving, then(&forward[..4], CapturePayment, &undone), State::Cancelled),
        run(State::Cancelling, done(&[CancelShipment, RefundPayment, ReleaseStock]), State::Refunded),
        run(State::Cancelling, then(&[], CancelShipment, &[]), State::Confirmed),
    ]
}

/// Lets `order` hear all of `news`; returns every step with it.
fn tell(mut order: StoredOrder, news: &[Input]) -> (StoredOrder, Vec<TimelineEntry>) {
    let mut entries = Vec::new();
    for input in news {
        if let Some(progress) = progress(&order, input, AT, TRACE) {
            order = progress.order;
            entries.extend(progress.entries);
        }
    }
    (order, entries)
}

proptest! {
    #[test]
    fn news_in_any_order_and_any_number_of_times_lead_to_the_same_end(
        which in 0usize..8,
        ranks in prop::collection::vec(any::<u32>(), 24),
        copies in prop::collection::vec(1usize..4, 8),
    ) {
        let run = &runs()[which];
        let placed = order(Coordination::Choreographed, run.from.clone());
        let (expected, straight) = tell(placed.clone(), &run.news);
        let copied = run.news.iter().zip(copies).flat_map(|(input, count)| vec![input.clone(); count]);
        let mut mixed: Vec<_> = copied.zip(ranks).collect();
        mixed.sort_by_key(|(_, rank)| *rank);
        let mixed: Vec<Input> = mixed.into_iter().map(|(input, _)| input).collect();
        let (ended, entries) = tell(placed, &mixed);
        prop_assert_eq!(&ended.state, &run.end, "{:?}", mixed);
        prop_assert_eq!(&ended.early, &[], "an order that rests keeps nothing");
        prop_assert_eq!((ended.version, &ended.reason), (expected.version, &expected.reason));
        prop_assert_eq!(entries.len(), straight.len(), "no step is left out or made twice");
        let versions: Vec<u64> = entries.iter().map(|entry| entry.version).collect();
        prop_assert_eq!(versions, (2..=ended.version).collect::<Vec<_>>());
        for two in entries.windows(2) {
            prop_assert_eq!(two[1].from.as_deref(), Some(two[0].to.as_str()));
        }
    }

    /// What was said when the order was placed may come again while it is being cancelled.
    #[test]
    fn stale_news_change_nothing(which in 6usize..8, ranks in prop::collection::vec(any::<u32>(), 8)) {
        let (stale, run) = (runs().swap_remove(0).news, &runs()[which]);
        let mut mixed: Vec<_> = stale.iter().chain(&run.news).cloned().zip(ranks).collect();
        mixed.sort_by_key(|(_, rank)| *rank);
        let mixed: Vec<Input> = mixed.into_iter().map(|(input, _)| input).collect();
        let (ended, _) = tell(order(Coordination::Choreographed, run.from.clone()), &mixed);
        prop_assert_eq!((&ended.state, &ended.early[..]), (&run.end, &[][..]), "{:?}", mixed);
    }
}

#[test]
fn only_choreographed_orders_keep_news_that_come_early() {
    for coordination in Coordination::ALL {
        let placed = order(coordination, State::Reserving);
        let early = Input::Done(Effect::CommitStock);
        let kept = progress(&placed, &early, AT, TRACE);
        if coordination == Coordination::Choreographed {
            let kept = kept.expect("is kept");
            assert_eq!((&kept.order.early[..], kept.order.version), (&[early.clone()][..], 1));
            assert_eq!((kept.entries, kept.events), (vec![], vec![]));
            assert_eq!(progress(&kept.order, &early, AT, TRACE), None, "it is known");
        } else {
            assert_eq!(kept, None, "{coordination:?}");
        }
    }
}

#[test]
fn an_order_that_rests_keeps_nothing() {
    for state in [State::Confirmed, State::Rejected, State::Cancelled, State::Refunded] {
        let rests = order(Coordination::Choreographed, state);
        assert_eq!(progress(&rests, &Input::Done(Effect::CommitStock), AT, TRACE), None);
    }
}

#[test]
fn each_step_that_concerns_others_is_told_once_in_every_coordination() {
    for coordination in Coordination::ALL {
        for run in runs() {
            let mut order = order(coordination, run.from.clone());
            let mut names = Vec::new();
            for input in &run.news {
                let progress = progress(&order, input, AT, TRACE).expect("it moves");
                let told = progress.events.iter().map(contracts::messages::Event::name);
                names.extend(told);
                order = progress.order;
            }
            let expected: &[&str] = match (&run.from, &run.end) {
                (State::Reserving, State::Confirmed) => &["order_confirmed"],
                (_, State::Rejected) => &["order_rejected"],
                (_, State::Cancelled) => &["order_cancelled"],
                (_, State::Refunded) => &["order_refunded"],
                // a cancellation that was refused
                _ => &[],
            };
            assert_eq!(names, expected, "{coordination:?} to {:?}", run.end);
        }
        let confirmed = order(coordination, State::Confirmed);
        let progress = progress(&confirmed, &Input::CancelRequested, AT, TRACE).expect("it moves");
        assert_eq!(progress.events.len(), 1);
        assert_eq!(contracts::messages::Event::name(&progress.events[0]), "order_cancellation_requested");
    }
}

#[test]
fn an_orchestrated_order_asks_for_each_effect_once() {
    let names = |commands: &[Command]| commands.iter().map(Command::name).collect::<Vec<_>>();
    let mut order = order(Coordination::Orchestrated, State::Reserving);
    let mut asked = names(&asked_again(&order).commands);
    for input in &runs()[5].news {
        let progress = progress(&order, input, AT, TRACE).expect("it moves");
        asked.extend(names(&progress.commands));
        order = progress.order;
    }
    assert_eq!(
        asked,
        [
            "reserve_stock",
            "authorize_payment",
            "schedule_shipment",
            "commit_stock",
            "capture_payment",
            "recall_shipment",
            "void_payment",
            "release_stock"
        ]
    );
}

#[test]
fn only_an_orchestrated_order_asks_again_and_for_what_is_still_open() {
    let open = State::Compensating([Undo::Shipment, Undo::Stock].into());
    for coordination in Coordination::ALL {
        let commands = asked_again(&order(coordination, open.clone())).commands;
        let names: Vec<_> = commands.iter().map(Command::name).collect();
        let expected: &[&str] = match coordination {
            Coordination::Orchestrated => &["recall_shipment", "release_stock"],
            Coordination::Sync | Coordination::Choreographed => &[],
        };
        assert_eq!(names, expected);
    }
}

/// The command was given twice: refused once, then obeyed when there were goods again.
#[test]
fn goods_that_were_set_aside_for_a_rejected_order_are_given_back() {
    let late = Input::Done(Effect::ReserveStock);
    for coordination in Coordination::ALL {
        let rejected = order(coordination, State::Rejected);
        let progress = progress(&rejected, &late, AT, TRACE);
        if coordination == Coordination::Orchestrated {
            let progress = progress.expect("is answered");
            assert_eq!((progress.order, progress.entries), (rejected, vec![]));
            assert_eq!(progress.commands.iter().map(Command::name).collect::<Vec<_>>(), ["release_stock"]);
        } else {
            assert_eq!(progress, None);
        }
    }
}

#[test]
fn an_open_capture_waits_and_nothing_else_happens() {
    let capturing = order(Coordination::Orchestrated, State::Capturing);
    let open =
        Input::Unknown(Effect::CapturePayment, Reason { code: Code::OutcomeUnknown, detail: String::new() });
    assert_eq!(progress(&capturing, &open, AT, TRACE), None);
}
