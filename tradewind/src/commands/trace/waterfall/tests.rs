use proptest::prelude::*;

use super::super::model::Log;
use super::super::screen::Ink;
use super::*;

const LOOK: Look = Look { width: 90, ink: Ink::Plain, logs: Logs::Hidden, statements: Statements::Folded };
const URL: &str = "http://127.0.0.1:16686";

fn span(id: &str, parent: &str, (start, duration): (u64, u64), service: &str, operation: &str) -> Span {
    Span {
        id: id.into(),
        parent: Some(parent.to_owned()).filter(|parent| !parent.is_empty()),
        service: service.into(),
        operation: operation.into(),
        kind: Kind::Server,
        start: 1_700_000_000_000_000 + start,
        duration,
        ..Span::default()
    }
}

fn call(id: &str, parent: &str, period: (u64, u64), service: &str, operation: &str, wire: &str) -> Span {
    let peer = operation.split('.').next().map(str::to_owned);
    Span { kind: Kind::Client, peer, wire: wire.into(), ..span(id, parent, period, service, operation) }
}

fn statement(id: &str, parent: &str, period: (u64, u64), operation: &str) -> Span {
    let statement = Some("INSERT INTO orders_orders VALUES ($1)".to_owned());
    Span {
        kind: Kind::Client,
        statement,
        wire: "sql".into(),
        ..span(id, parent, period, "orders", operation)
    }
}

/// A declined card, as it is told by whoever was asked.
fn declined() -> Vec<Span> {
    let failure = Some("card_declined".to_owned());
    vec![
        span("1", "", (0, 20_000), "gateway", "POST /api/orders"),
        Span { peer: Some("orders".into()), ..call("2", "1", (500, 19_000), "gateway", "POST", "http") },
        Span { wire: "rest".into(), ..span("3", "2", (1000, 18_000), "orders", "orders.place") },
        statement("4", "3", (1500, 500), "INSERT orders_orders"),
        statement("5", "3", (17_500, 500), "UPDATE orders_orders"),
        Span {
            failure: failure.clone(),
            ..call("6", "3", (5000, 10_000), "orders", "payments.authorize", "grpc")
        },
        Span {
            wire: "grpc".into(),
            failure,
            logs: vec![Log {
                at: 1_700_000_000_006_000,
                level: "WARN".into(),
                words: "the bank declined".into(),
            }],
            ..span("7", "6", (6000, 8000), "payments", "payments.authorize")
        },
    ]
}

fn drawn(spans: Vec<Span>, look: &Look) -> String {
    draw(&Trace::grown("4bf92f35".into(), spans, Vec::new()), URL, look)
}

#[test]
fn an_order_whose_card_is_declined() {
    let expected = "\
trace 4bf92f35: 7 spans of 3 services in 20.0 ms, 2 failed
http://127.0.0.1:16686/trace/4bf92f35

                                                 0                        20.0 ms
gateway POST /api/orders                         ████████████████████████████████  20.0 ms
└─ gateway → orders POST                   http  ██████████████████████████████    19.0 ms
   └─ orders orders.place                  rest   █████████████████████████████    18.0 ms
      ├─ orders → 2 statements             sql     █                         █     1.00 ms
      └─ ✗ orders → payments.authorize     grpc          ████████████████          10.0 ms
         └─ ✗ payments payments.authorize  grpc           █████████████            8.00 ms
               ✗ failed: card_declined
";
    let text = drawn(declined(), &LOOK);
    assert_eq!(text, expected, "\n{text}");
}

#[test]
fn statements_and_logs_are_shown_to_whoever_asks_for_them() {
    let text = drawn(declined(), &Look { logs: Logs::Shown, statements: Statements::Shown, ..LOOK });
    for wanted in [
        "├─ orders → INSERT orders_orders",
        "      │     INSERT INTO orders_orders VALUES ($1)\n",
        "      │        · +6.00 ms WARN the bank declined\n",
    ] {
        assert!(text.contains(wanted), "{wanted:?} is not in\n{text}");
    }
    let hidden = drawn(declined(), &LOOK);
    assert!(!hidden.contains("WARN") && !hidden.contains("INSERT"), "{hidden}");
}

#[test]
fn links_lead_to_what_a_span_follows_from() {
    let link = |trace: &str, span: &str| Link { trace: trace.into(), span: span.into() };
    let mut spans = declined();
    spans[6].links = vec![link("4bf92f35", "2"), link("4bf92f35", "99"), link("beef", "12")];
    let text = drawn(spans, &LOOK);
    for wanted in [
        "↩ follows from gateway → orders POST, at +500 µs\n",
        "↩ follows from span 99, which is not here\n",
        "↩ follows from trace beef, span 12\n",
    ] {
        assert!(text.contains(wanted), "{wanted:?} is not in\n{text}");
    }
}

#[test]
fn a_parent_that_has_not_come_is_told() {
    let text = drawn(declined().split_off(2), &LOOK);
    assert!(text.contains("warning: 1 span names a parent that is not here"), "{text}");
    assert!(text.contains("\n… orders orders.place"), "{text}");
}

#[test]
fn colours_only_paint_what_stands_there_without_them() {
    let coloured = drawn(declined(), &Look { ink: Ink::Coloured, ..LOOK });
    assert!(coloured.contains("\u{1b}[31m"));
    let mut plain = coloured;
    for code in ["31", "2", "36", "0"] {
        plain = plain.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(plain, drawn(declined(), &LOOK));
}

#[test]
fn a_trace_without_spans_is_drawn_too() {
    assert!(drawn(Vec::new(), &LOOK).starts_with("trace 4bf92f35: 0 spans of 0 services in 0 µs\n"));
}

proptest! {
    #[test]
    fn whatever_it_is_it_stays_within_the_screen(
        spans in prop::collection::vec(
            (0..20_u8, 0..22_u8, any::<u64>(), any::<u64>(), ".{0,40}", any::<bool>()), 0..40
        ),
        width in 60..240_usize,
    ) {
        let spans = spans.into_iter().map(|(id, parent, start, duration, operation, failed)| Span {
            start,
            duration,
            failure: failed.then(|| operation.clone()),
            statement: failed.then(|| operation.clone()),
            ..span(&id.to_string(), &parent.to_string(), (0, 0), "a service", &operation)
        });
        let look = Look { width, logs: Logs::Shown, statements: Statements::Shown, ..LOOK };
        let text = drawn(spans.collect(), &look);
        let (_, rows) = text.split_once("\n\n").expect("a head");
        for line in rows.split('\n') {
            prop_assert!(line.chars().count() <= width, "{} > {width}: {line}", line.chars().count());
        }
    }
}
