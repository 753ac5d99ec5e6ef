//! Properties of the rules, against a model of the network that loses answers.

use std::collections::{BTreeMap, HashSet};

use contracts::payments::CardToken;
use contracts::{Money, OrderId};
use proptest::prelude::*;

use super::*;

fn authorize(amount: i64) -> Input {
    Input::Authorize { amount: Money::eur(amount), card: CardToken("tok_approve".into()) }
}

fn charge(state: State) -> Known {
    Known::Charge(Charge { amount: Money::eur(500), card: CardToken("tok_approve".into()), state })
}

fn refusal(known: &Known, input: &Input) -> Option<Refusal> {
    step(Some(known), input).err()
}

#[test]
fn a_late_authorization_is_refused_by_the_tombstone() {
    let tombstone = step(None, &Input::Void).expect("leaves a tombstone").known;
    assert_eq!(tombstone, Known::Tombstone);
    assert_eq!(refusal(&tombstone, &authorize(500)), Some(Refusal::Compensated));
    assert_eq!(refusal(&tombstone, &Input::Capture), Some(Refusal::Compensated));
}

#[test]
fn an_authorization_for_another_amount_is_refused_in_every_state() {
    for state in [State::Authorizing, State::Authorized, State::Captured, State::Voided, State::Refunded] {
        assert_eq!(refusal(&charge(state), &authorize(501)), Some(Refusal::OtherCharge), "{state:?}");
    }
}

#[test]
fn a_decline_is_repeated_and_can_be_neither_captured_nor_refunded() {
    let declined = charge(State::Declined(Decline::InsufficientFunds));
    assert_eq!(refusal(&declined, &authorize(500)), Some(Refusal::Declined(Decline::InsufficientFunds)));
    assert_eq!(refusal(&declined, &Input::Capture), Some(Refusal::NothingHeld));
    assert_eq!(refusal(&declined, &Input::Refund), Some(Refusal::NotCaptured));
    assert_eq!(step(Some(&declined), &Input::Void).expect("nothing to do").known, declined);
}

#[test]
fn a_void_lets_a_capture_under_way_end_first() {
    let capturing = charge(State::Capturing);
    let waiting = step(Some(&capturing), &Input::Void).expect("waits");
    assert_eq!((waiting.intent, waiting.known), (Some(Intent::Capture), capturing));
    assert_eq!(refusal(&charge(State::Captured), &Input::Void), Some(Refusal::AlreadyCaptured));
}

#[test]
fn a_repeated_capture_succeeds_as_the_first_did_even_where_the_amount_was_given_back() {
    for state in [State::Captured, State::Refunding, State::Refunded] {
        let again = step(Some(&charge(state)), &Input::Capture).expect("succeeded before");
        assert_eq!(again, Step { known: charge(state), intent: None, transfers: Vec::new() }, "{state:?}");
    }
    for state in [State::Voiding(HoldInLedger::Posted), State::Voiding(HoldInLedger::Absent), State::Voided] {
        assert_eq!(refusal(&charge(state), &Input::Capture), Some(Refusal::Compensated), "{state:?}");
    }
}

/// The network as README.md of `card-network` describes it: keyed, and a void leaves a tombstone.
fn obey(network: Option<NetworkState>, intent: Intent, declines: Option<Decline>) -> Option<NetworkState> {
    match (network, intent) {
        (None, Intent::Hold) => Some(declines.map_or(NetworkState::Held, NetworkState::Declined)),
        (None | Some(NetworkState::Held), Intent::Void) => Some(NetworkState::Voided),
        (Some(NetworkState::Held), Intent::Capture) => Some(NetworkState::Captured),
        (Some(NetworkState::Captured), Intent::Refund) => Some(NetworkState::Refunded),
        (state, _) => state,
    }
}

#[derive(Debug, Clone)]
enum Event {
    /// Somebody asks for something, and asks the network for what the answer says.
    Ask(Input),
    /// One of the requests that were ever sent reaches the network (perhaps late, perhaps again).
    Arrives(prop::sample::Index),
    /// The network is looked up, and what it says is learnt.
    LookUp,
    /// What the network said at some earlier time is learnt only now.
    LearnLate(prop::sample::Index),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let input = prop_oneof![
        3 => Just(authorize(500)),
        1 => Just(authorize(700)),
        3 => Just(Input::Capture),
        2 => Just(Input::Void),
        2 => Just(Input::Refund),
        1 => Just(Input::Finish),
    ];
    let event = prop_oneof![
        3 => input.prop_map(Event::Ask),
        3 => any::<prop::sample::Index>().prop_map(Event::Arrives),
        2 => Just(Event::LookUp),
        1 => any::<prop::sample::Index>().prop_map(Event::LearnLate),
    ];
    prop::collection::vec(event, 0..60)
}

/// A payment with its ledger, and the network that it is about.
#[derive(Default)]
struct World {
    known: Option<Known>,
    ledger: Vec<Transfer>,
    sent: Vec<Intent>,
    network: Option<NetworkState>,
    said: Vec<NetworkState>,
    captures: usize,
}

impl World {
    fn put(&mut self, input: &Input) {
        if let Ok(step) = step(self.known.as_ref(), input) {
            self.known = Some(step.known);
            self.ledger.extend(step.transfers);
            self.sent.extend(step.intent);
        }
    }

    fn arrive(&mut self, intent: Intent, declines: Option<Decline>) {
        let before = self.network;
        self.network = obey(before, intent, declines);
        self.said.extend(self.network);
        self.captures += usize::from(before != self.network && self.network == Some(NetworkState::Captured));
    }

    fn look_up(&mut self) {
        if let Some(says) = self.network {
            self.put(&Input::Learn(says));
        }
    }

    /// What the settle pass does until nothing is open.
    fn settle(&mut self, declines: Option<Decline>) {
        for _ in 0..4 {
            let Some(Known::Charge(Charge { state, .. })) = self.known else { return };
            let Some(intent) = state.intent() else { return };
            self.look_up();
            self.arrive(intent, declines);
            self.look_up();
        }
    }

    fn balances(&self) -> BTreeMap<Account, i64> {
        let mut balances = BTreeMap::new();
        for line in self.ledger.iter().flat_map(|transfer| transfer.lines(Money::eur(500))) {
            *balances.entry(line.account).or_default() += line.amount.amount;
        }
        balances.retain(|_, balance| *balance != 0);
        balances
    }
}

proptest! {
    #[test]
    fn the_lines_of_every_transfer_sum_to_zero(amount in 1i64..=i64::MAX) {
        for transfer in [Transfer::Authorize, Transfer::Void, Transfer::Capture, Transfer::Refund] {
            let sum: i128 = transfer.lines(Money::eur(amount)).iter().map(|line| i128::from(line.amount.amount)).sum();
            prop_assert_eq!(sum, 0);
        }
    }

    #[test]
    fn whatever_is_lost_or_late_the_books_agree_with_the_network_in_the_end(
        events in events(),
        declines in prop::option::weighted(0.2, Just(Decline::Declined)),
    ) {
        let mut world = World::default();
        for event in &events {
            match event {
                Event::Ask(input) => world.put(input),
                Event::Arrives(which) if !world.sent.is_empty() => {
                    let intent = *which.get(&world.sent);
                    world.arrive(intent, declines);
                }
                Event::LearnLate(which) if !world.said.is_empty() => {
                    let says = *which.get(&world.said);
                    world.put(&Input::Learn(says));
                }
                Event::LookUp => world.look_up(),
                Event::Arrives(_) | Event::LearnLate(_) => {}
            }
        }
        world.settle(declines);

        prop_assert!(world.captures <= 1);
        let once: HashSet<_> = world.ledger.iter().collect();
        prop_assert_eq!(once.len(), world.ledger.len(), "each transfer at most once: {:?}", &world.ledger);
        let (state, balances) = match &world.known {
            None | Some(Known::Tombstone) => {
                prop_assert_eq!(world.network, None);
                return Ok(());
            }
            Some(Known::Charge(charge)) => (charge.state, world.balances()),
        };
        let nothing = BTreeMap::new();
        let (network, expected) = match state {
            State::Authorized => (
                NetworkState::Held,
                BTreeMap::from([(Account::CardReceivable, 500), (Account::CustomerHolds, -500)]),
            ),
            State::Captured => {
                (NetworkState::Captured, BTreeMap::from([(Account::Sales, -500), (Account::Cash, 500)]))
            }
            State::Declined(decline) => (NetworkState::Declined(decline), nothing),
            State::Refunded => (NetworkState::Refunded, nothing),
            // a payment voided while its authorization was open may have been declined in truth
            State::Voided if declines.is_some() => (world.network.expect("a record"), nothing),
            State::Voided => (NetworkState::Voided, nothing),
            open => return Err(TestCaseError::fail(format!("still open: {open:?}"))),
        };
        prop_assert_eq!(world.network, Some(network));
        prop_assert_eq!(balances, expected);
    }

    #[test]
    fn an_input_that_is_put_twice_changes_nothing_more(events in events()) {
        let mut world = World::default();
        for event in events {
            if let Event::Ask(input) = event {
                world.put(&input);
                let (known, posted) = (world.known.clone(), world.ledger.len());
                world.put(&input);
                prop_assert_eq!((&world.known, world.ledger.len()), (&known, posted));
            }
            if let Some(intent) = world.sent.last().copied() {
                world.arrive(intent, None);
                world.look_up();
            }
        }
    }
}

#[test]
fn a_transfer_is_named_after_its_order() {
    let order = OrderId::parse("order_id", "01890a5d-ac96-774b-bcce-b302099a8057").expect("an id");
    assert_eq!(Transfer::Capture.id(order), "capture:01890a5d-ac96-774b-bcce-b302099a8057");
}
