//! Whatever becomes of the messages on their way, the model is the same.

use contracts::messages::Origin;
use contracts::orders::{Coordination, Order, OrderStatus, PricedLine};
use contracts::{Context, Money, Timestamp};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

/// The model in memory.
#[derive(Debug, Default, PartialEq, Eq)]
struct Model {
    orders: HashMap<OrderId, OrderFact>,
    pairs: BTreeMap<Pair, i64>,
    purchases: BTreeMap<Purchase, i64>,
}

impl Model {
    fn apply(&mut self, facts: &[OrderFact]) {
        let change = Change::of(&self.orders, facts);
        let before = self.orders.len() as u64;
        self.orders.extend(change.orders);
        assert_eq!(self.orders.len() as u64, before + change.new_orders);
        add(&mut self.pairs, change.pairs);
        add(&mut self.purchases, change.purchases);
    }

    fn of(batches: &[&[OrderFact]]) -> Self {
        let mut model = Self::default();
        batches.iter().for_each(|batch| model.apply(batch));
        model
    }
}

fn add<K: Ord>(counts: &mut BTreeMap<K, i64>, changes: BTreeMap<K, i64>) {
    for (key, more) in changes {
        assert_ne!(more, 0);
        *counts.entry(key).or_default() += more;
    }
    assert!(counts.values().all(|count| *count >= 0));
    counts.retain(|_, count| *count > 0);
}

fn fact(order: u128, skus: &[u8], version: u64, standing: Standing) -> OrderFact {
    let mut skus: Vec<_> = skus.iter().map(|sku| Sku(format!("SKU-{sku}"))).collect();
    skus.sort_unstable();
    skus.dedup();
    let (order_id, customer_id) = (OrderId(Uuid::from_u128(order)), CustomerId(format!("c-{}", order % 3)));
    OrderFact { order: ProjectedOrder { order_id, customer_id, skus, standing }, version }
}

/// The events of some orders: each was confirmed, and some were refunded later.
fn histories() -> impl Strategy<Value = Vec<OrderFact>> {
    let order = (prop::collection::vec(0u8..8, 1..6), any::<bool>());
    prop::collection::vec(order, 1..12).prop_map(|orders| {
        let events = orders.iter().zip(1u128..).flat_map(|((skus, refunded), order)| {
            let refund = refunded.then(|| fact(order, skus, 9, Standing::Withdrawn));
            [Some(fact(order, skus, 6, Standing::Counts)), refund]
        });
        events.flatten().collect()
    })
}

proptest! {
    #[test]
    fn order_repetition_and_batches_do_not_matter(
        (facts, messy, cut) in histories().prop_flat_map(|facts| {
            // everything comes at least once, some of it again, shuffled, in two batches
            let again = prop::sample::subsequence(facts.clone(), 0..=facts.len());
            let all = facts.clone();
            let messy = again.prop_map(move |again| [all.clone(), again].concat()).prop_shuffle();
            (Just(facts), messy, 0usize..30)
        })
    ) {
        let (early, late) = messy.split_at(cut.min(messy.len()));
        prop_assert_eq!(Model::of(&[early, late]), Model::of(&[&facts]));
    }

    #[test]
    fn a_withdrawal_restores_what_was_before(facts in histories(), skus in prop::collection::vec(0u8..8, 1..6)) {
        let before = Model::of(&[&facts]);
        let mut model = Model::of(&[&facts]);
        let (order, late) = (fact(999, &skus, 6, Standing::Counts), fact(999, &skus, 9, Standing::Withdrawn));
        model.apply(std::slice::from_ref(&order));
        prop_assert_ne!(&model.purchases, &before.purchases);
        model.apply(&[late]);
        model.apply(&[order]);
        prop_assert_eq!(&model.pairs, &before.pairs);
        prop_assert_eq!(&model.purchases, &before.purchases);
    }
}

#[test]
fn refunded_before_confirmed_never_counts() {
    let (confirmed, refunded) =
        (fact(1, &[1, 2], 6, Standing::Counts), fact(1, &[1, 2], 9, Standing::Withdrawn));
    let model = Model::of(&[std::slice::from_ref(&refunded), &[confirmed]]);
    assert_eq!((model.pairs.len(), model.purchases.len()), (0, 0));
    assert_eq!(model.orders[&refunded.order.order_id], refunded);
}

#[test]
fn the_largest_order_has_1225_pairs() {
    let skus: Vec<u8> = (0..50).collect();
    let largest = fact(1, &skus, 6, Standing::Counts);
    assert_eq!(largest.pairs(), 1225);
    assert_eq!(Change::of(&HashMap::new(), &[largest]).pairs.len(), 1225);
}

fn order(skus: &[&str]) -> Order {
    let line = |sku: &&str| PricedLine {
        sku: Sku::from(*sku),
        name: "thing".into(),
        quantity: 2,
        unit_price: Money::eur(100),
        weight_grams: 10,
    };
    Order {
        id: OrderId(Uuid::from_u128(7)),
        customer_id: CustomerId("ada".into()),
        status: OrderStatus::Confirmed,
        step: "confirmed".into(),
        coordination: Coordination::Sync,
        lines: skus.iter().map(line).collect(),
        shipping: Money::eur(0),
        total: Money::eur(200),
        reason: None,
        placed_at: Timestamp(0),
        updated_at: Timestamp(0),
        version: 6,
    }
}

fn message(event: &OrderEvent) -> Message {
    let ctx = Context::background("test", std::time::Duration::from_secs(1));
    event.fact(&Origin::of_call(&ctx), Timestamp(0)).message
}

#[test]
fn only_confirmed_and_refunded_orders_say_something() {
    let order = order(&["B", "A", "B"]);
    let read = |event: OrderEvent| OrderFact::read(&message(&event)).expect("reads");
    let confirmed = read(OrderEvent::OrderConfirmed { order: order.clone() }).expect("a fact");
    assert_eq!(confirmed.order.skus, [Sku::from("A"), Sku::from("B")]);
    assert_eq!((confirmed.order.standing, confirmed.version), (Standing::Counts, 6));
    let refunded = read(OrderEvent::OrderRefunded { order: order.clone() }).expect("a fact");
    assert_eq!(refunded.order.standing, Standing::Withdrawn);
    assert_eq!(read(OrderEvent::OrderPlaced { order: order.clone(), passed: None }), None);
    assert_eq!(read(OrderEvent::OrderCancelled { order: order.clone() }), None);
    assert_eq!(read(OrderEvent::OrderCancellationRequested { order }), None);
}

#[test]
fn what_is_of_another_module_or_version_is_passed_over_and_nonsense_is_named() {
    let good = message(&OrderEvent::OrderConfirmed { order: order(&["A"]) });
    for kind in ["tradewind.orders.order_confirmed.v2", "tradewind.payments.payment_captured.v1", ""] {
        assert_eq!(OrderFact::read(&Message { kind: kind.into(), ..good.clone() }), Ok(None));
    }
    assert!(OrderFact::read(&Message { data: serde_json::json!({ "type": "?" }), ..good }).is_err());
    let odd = [
        order(&["no sku"]),
        order(&["A\0"]),
        Order { customer_id: CustomerId("\0".into()), ..order(&["A"]) },
        Order { version: u64::MAX, ..order(&["A"]) },
    ];
    for order in odd {
        assert!(OrderFact::read(&message(&OrderEvent::OrderConfirmed { order })).is_err());
    }
}

#[test]
fn limits_are_one_to_fifty_and_five_where_nobody_says() {
    assert_eq!((limit(None), limit(Some(1)), limit(Some(50))), (Ok(5), Ok(1), Ok(50)));
    for bad in [0, 51, u32::MAX] {
        assert_eq!(limit(Some(bad)).expect_err("refused").faults[0].field, "limit");
    }
}
