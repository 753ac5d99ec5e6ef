//! The state machine, under random answers.

use proptest::prelude::*;

use super::*;

const EFFECTS: [Effect; 10] = [
    Effect::ReserveStock,
    Effect::AuthorizePayment,
    Effect::ScheduleShipment,
    Effect::CommitStock,
    Effect::CapturePayment,
    Effect::RecallShipment,
    Effect::VoidPayment,
    Effect::ReleaseStock,
    Effect::CancelShipment,
    Effect::RefundPayment,
];

fn reason() -> Reason {
    Reason { code: Code::Conflict, detail: "for the test".into() }
}

fn answer(kind: u8, effect: Effect) -> Input {
    match kind {
        0 => Input::Done(effect),
        1 => Input::Refused(effect, reason()),
        2 => Input::NotBegun(effect, reason()),
        _ => Input::Unknown(effect, reason()),
    }
}

/// What the other modules hold for the order, as far as the saga can know.
#[derive(Debug, Default, Clone, PartialEq)]
struct World {
    stock: bool,
    payment: Money,
    shipment: bool,
}

#[derive(Debug, Default, Clone, PartialEq)]
enum Money {
    #[default]
    None,
    Held,
    Captured,
}

impl World {
    /// How somebody answers who has done what `effect` asks for, unheard, and is asked again: they do not
    /// refuse it then, and that nothing was begun is not believed of a repetition. Found by runs in which this
    /// model refused a second capture, and a second cancellation.
    fn asked_again(&self, kind: u8, effect: Effect) -> u8 {
        let done = match effect {
            Effect::CapturePayment => self.payment == Money::Captured,
            Effect::CancelShipment => !self.shipment,
            _ => false,
        };
        match kind {
            1 if done => 0,
            2 if done => 3,
            _ => kind,
        }
    }

    /// What `effect` does when it happens.
    fn happen(&mut self, effect: Effect) {
        match effect {
            Effect::ReserveStock | Effect::CommitStock => self.stock = true,
            Effect::AuthorizePayment => self.payment = Money::Held,
            Effect::CapturePayment => self.payment = Money::Captured,
            Effect::ScheduleShipment => self.shipment = true,
            Effect::RecallShipment | Effect::CancelShipment => self.shipment = false,
            Effect::VoidPayment => {
                assert_ne!(self.payment, Money::Captured, "a captured amount must not be voided");
                self.payment = Money::None;
            }
            Effect::RefundPayment => self.payment = Money::None,
            Effect::ReleaseStock => self.stock = false,
        }
    }
}

#[test]
fn the_straight_way_ends_confirmed() {
    let mut state = State::Reserving;
    let mut names = vec![state.name()];
    while let [effect] = awaited(&state)[..] {
        let Step::Moved { state: next, .. } = step(&state, &Input::Done(effect)) else { panic!("it moves") };
        state = next;
        names.push(state.name());
    }
    assert_eq!(names, ["reserving", "authorizing", "scheduling", "committing", "capturing", "confirmed"]);
}

#[test]
fn an_open_outcome_at_the_pivot_is_never_undone() {
    assert_eq!(step(&State::Capturing, &Input::Unknown(Effect::CapturePayment, reason())), Step::Waits);
}

#[test]
fn every_state_survives_storage() {
    let states = [
        State::Reserving,
        State::Compensating(BTreeSet::from([Undo::Shipment, Undo::Stock])),
        State::Reversing(BTreeSet::from([Reverse::Payment])),
        State::Refunded,
    ];
    for state in states {
        let text = serde_json::to_string(&state).expect("serialises");
        assert_eq!(serde_json::from_str::<State>(&text).expect("reads"), state);
    }
}

proptest! {
    /// Whatever the others answer, and whether or not what is unknown happened: an order that
    /// rests as confirmed has goods, money and carrier; one that rests otherwise has none.
    #[test]
    fn a_resting_order_and_the_world_agree(answers in prop::collection::vec((0u8..4, any::<bool>()), 0..60), cancel in any::<bool>()) {
        let mut state = State::Reserving;
        let mut world = World::default();
        let mut answers = answers.into_iter();
        let mut wants_out = cancel;
        loop {
            if state == State::Confirmed && wants_out {
                wants_out = false;
                let Step::Moved { state: next, .. } = step(&state, &Input::CancelRequested) else { panic!("it moves") };
                state = next;
            }
            let Some(effect) = awaited(&state).first().copied() else { break };
            // once the answers run out everybody obliges, so that the order comes to rest
            let (kind, happened) = answers.next().unwrap_or((0, true));
            // compensations are not refused: that is each service's promise
            let kind = if kind == 1 && effect.direction() == Direction::Compensation && effect != Effect::CancelShipment { 0 } else { kind };
            let kind = world.asked_again(kind, effect);
            if kind == 0 || (kind == 3 && happened) {
                world.happen(effect);
            }
            if let Step::Moved { state: next, .. } = step(&state, &answer(kind, effect)) {
                state = next;
            }
        }
        let expected = if state == State::Confirmed {
            World { stock: true, payment: Money::Captured, shipment: true }
        } else {
            World::default()
        };
        prop_assert_eq!(world, expected, "at rest in {:?}", state);
    }

    /// An input that is not an answer to what the state waits for changes nothing.
    #[test]
    fn late_and_repeated_inputs_change_nothing(kind in 0u8..4, which in 0usize..10) {
        let states = [
            State::Reserving, State::Authorizing, State::Scheduling, State::Committing, State::Capturing,
            State::Confirmed, State::Compensating(BTreeSet::from([Undo::Payment])), State::Rejected,
            State::Cancelled, State::Cancelling, State::Reversing(BTreeSet::from([Reverse::Stock])), State::Refunded,
        ];
        let effect = EFFECTS[which];
        for state in states {
            if !awaited(&state).contains(&effect) {
                prop_assert_eq!(step(&state, &answer(kind, effect)), Step::Ignored, "{:?}", state);
            }
        }
    }
}
