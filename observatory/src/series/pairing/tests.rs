use super::*;
use crate::testing::{MS, NOW, later};

fn client() -> Span {
    Span::sample(1, 10, "gateway", "GET /orders").of_kind(Kind::Client).lasting(30 * MS)
}

fn server() -> Span {
    Span::sample(1, 11, "orders", "GET /orders").of_kind(Kind::Server).child_of(10).lasting(20 * MS)
}

fn producer() -> Span {
    let span = Span::sample(1, 20, "orders", "publish").of_kind(Kind::Producer).lasting(MS);
    span.says("messaging.system", "rabbitmq")
}

fn consumer(id: u64, service: &str) -> Span {
    let span = Span::sample(1, id, service, "process").of_kind(Kind::Consumer).child_of(20);
    span.lasting(5 * MS).says("messaging.system", "rabbitmq")
}

/// What passed, as `from -wire-> to duration`, in order.
fn passages(spans: &[(Span, u64)], at_last: u64) -> Vec<String> {
    let (mut pairing, mut out) = (Pairing::default(), Vec::new());
    for (span, now) in spans {
        pairing.observe(span, *now, &mut out);
    }
    pairing.give_up(at_last, &mut out);
    let mut told: Vec<String> = out
        .iter()
        .map(|passage| {
            let millis = passage.duration / MS;
            match &passage.way {
                Way::Edge { from, to, wire } => {
                    format!("{} -{wire:?}-> {:?} {} {millis}", from.name, to.kind, to.name)
                }
                Way::Message { from, to } => format!("{from} => {to} {millis}"),
            }
        })
        .collect();
    told.sort();
    told
}

fn at_once(spans: impl IntoIterator<Item = Span>) -> Vec<String> {
    passages(&spans.into_iter().map(|span| (span, NOW)).collect::<Vec<_>>(), NOW)
}

fn in_the_end(spans: impl IntoIterator<Item = Span>) -> Vec<String> {
    passages(&spans.into_iter().map(|span| (span, NOW)).collect::<Vec<_>>(), later(60))
}

#[test]
fn both_sides_meet_whichever_comes_first() {
    let expected = ["gateway -Rest-> Service orders 30"];
    assert_eq!(at_once([client(), server()]), expected);
    assert_eq!(at_once([server(), client()]), expected);
    assert_eq!(in_the_end([server(), client()]), expected);
}

#[test]
fn the_wire_is_the_one_that_is_named_or_what_the_protocol_tells() {
    let over = |key: &str, text: &str| at_once([client().says(key, text), server()]).remove(0);
    assert_eq!(over("tradewind.wire", "local"), "gateway -Local-> Service orders 30");
    assert_eq!(over("tradewind.wire", "amqp"), "gateway -Amqp-> Service orders 30");
    assert_eq!(over("rpc.system", "grpc"), "gateway -Grpc-> Service orders 30");
    assert_eq!(over("http.request.method", "GET"), "gateway -Rest-> Service orders 30");
    assert_eq!(over("messaging.system", "rabbitmq"), "gateway -Amqp-> Service orders 30");
    let told_by_callee = at_once([client(), server().says("tradewind.wire", "grpc")]);
    assert_eq!(told_by_callee, ["gateway -Grpc-> Service orders 30"]);
    // who only knows that it is HTTP knows less than who answers
    let asked = client().says("http.request.method", "GET");
    assert_eq!(
        at_once([asked, server().says("tradewind.wire", "local")]),
        ["gateway -Local-> Service orders 30"]
    );
}

#[test]
fn nobody_waits_for_a_database() {
    let query = client().says("db.system.name", "postgresql");
    assert_eq!(at_once([query.clone()]), ["gateway -Sql-> Store gateway postgresql 30"]);
    assert_eq!(
        at_once([query.says("db.namespace", "orders")]),
        ["gateway -Sql-> Store postgresql/orders 30"]
    );
}

#[test]
fn who_makes_no_spans_is_outside_after_a_while() {
    let outward = client().says("http.request.method", "POST").says("server.address", "cards.example");
    assert_eq!(at_once([outward.clone()]), [""; 0]);
    assert_eq!(in_the_end([outward]), ["gateway -Http-> Outside cards.example 30"]);
    // nothing is known of it at all
    assert_eq!(in_the_end([client()]), [""; 0]);
}

#[test]
fn a_message_goes_through_its_broker_to_each_who_consumes_it() {
    let expected = [
        "orders -Events-> Broker rabbitmq 1",
        "orders => notifications 5",
        "orders => shipping 5",
        "rabbitmq -Events-> Service notifications 5",
        "rabbitmq -Events-> Service shipping 5",
    ];
    let (one, other) = (consumer(21, "shipping"), consumer(22, "notifications"));
    assert_eq!(at_once([producer(), one.clone(), other.clone()]), expected);
    assert_eq!(at_once([one.clone(), producer(), other.clone()]), expected);
    assert_eq!(at_once([one, other, producer()]), expected);
}

#[test]
fn a_consumer_may_link_to_what_it_consumes() {
    let linked = Span { trace_id: 2, parent: None, ..consumer(21, "shipping") }.linked_to(1, 20);
    assert!(at_once([producer(), linked]).contains(&"orders => shipping 5".to_owned()));
}

#[test]
fn a_message_of_somebody_unknown_comes_from_the_broker() {
    assert_eq!(at_once([consumer(21, "shipping")]), [""; 0]);
    assert_eq!(in_the_end([consumer(21, "shipping")]), ["rabbitmq -Events-> Service shipping 5"]);
}

#[test]
fn a_message_within_a_process_needs_no_broker() {
    let within = |span: Span| Span { attributes: Box::default(), ..span }.says("tradewind.wire", "events");
    let told = in_the_end([within(producer()), within(consumer(21, "shipping"))]);
    assert_eq!(told, ["orders -Events-> Service shipping 5"]);
}

#[test]
fn who_waits_too_long_is_not_met_any_more() {
    let outward = client().says("server.address", "cards.example");
    let told = passages(&[(outward, NOW), (server(), later(30))], later(60));
    assert_eq!(told, ["gateway -Http-> Outside cards.example 30"]);
}

#[test]
fn only_so_many_wait() {
    let (mut pairing, mut out) = (Pairing::default(), Vec::new());
    for id in 1..=2 * MOST as u64 {
        let span = Span { span_id: id, ..client() };
        pairing.observe(&span, NOW, &mut out);
        let orphan = Span { parent: Some(id + 1_000_000), ..server() };
        pairing.observe(&orphan, NOW, &mut out);
    }
    assert!(pairing.order.len() <= MOST);
    assert!(pairing.callers.len() + pairing.callees.len() <= MOST);
}

#[test]
fn a_message_that_stays_within_a_process_goes_through_no_broker() {
    let within = |span: Span| span.says("messaging.system", "in_process");
    let said = Span::sample(1, 20, "orders", "publish").of_kind(Kind::Producer).lasting(MS);
    let heard = Span::sample(1, 21, "shipping", "process").of_kind(Kind::Consumer).child_of(20);
    let expected = ["orders -Events-> Service shipping 10"];
    assert_eq!(in_the_end([within(said.clone()), within(heard.clone())]), expected);
    assert_eq!(in_the_end([within(heard), within(said)]), expected);
}
