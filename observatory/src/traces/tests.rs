use std::collections::{BTreeMap, HashMap, HashSet};

use proptest::prelude::*;

use super::*;
use crate::names::OTHERS;
use crate::span::{Status, Value};
use crate::testing::{MS, NOW, S, error, later};

fn traces(limits: Limits) -> Traces {
    Traces::new(&limits)
}

fn put(traces: &Traces, span: Span, now: u64) -> Outcome {
    traces.insert(&[Arc::new(span)], now)[0]
}

fn ids(traces: &Traces, query: &Query) -> Vec<u128> {
    traces.search(query).iter().map(|trace| trace.id).collect()
}

fn query() -> Query {
    Query { limit: 100, ..Query::default() }
}

/// A window that holds ten of these spans, each a trace of its own.
fn tight() -> (Traces, impl Fn(u128) -> Span) {
    let span = |id| Span::sample(id, 1, "orders", "work");
    let one = traces(Limits::default());
    put(&one, span(1), NOW);
    let limits = Limits { window_bytes: one.counts().bytes * 10, ..Limits::default() };
    (traces(limits), span)
}

#[test]
fn pieces_of_a_trace_come_together_in_any_order() {
    let traces = traces(Limits::default());
    put(&traces, Span::sample(1, 9, "payments", "charge").child_of(5).at(NOW + MS), NOW);
    put(&traces, Span::sample(1, 5, "orders", "place").lasting(50 * MS), later(3));
    let trace = traces.get(1).unwrap();
    assert_eq!(trace.spans().iter().map(|span| span.span_id).collect::<Vec<_>>(), [5, 9]);
    assert_eq!((trace.start, trace.end, trace.longest), (NOW, NOW + 50 * MS, 50 * MS));
    assert!(traces.get(2).is_none());
}

#[test]
fn a_span_that_comes_twice_is_kept_once() {
    let traces = traces(Limits::default());
    let span = || Span::sample(1, 1, "orders", "place");
    assert_eq!(put(&traces, span().lasting(0), NOW), Outcome::Kept);
    assert_eq!(put(&traces, span().lasting(0), NOW), Outcome::Again);
    assert_eq!(put(&traces, span().lasting(3 * S), NOW), Outcome::Ended);
    let bytes = traces.counts().bytes;
    assert_eq!(put(&traces, span().lasting(5).says("late", "words"), NOW), Outcome::Again);
    assert_eq!(traces.get(1).unwrap().spans()[0].duration, 3 * S);
    assert_eq!((traces.counts().spans, traces.counts().bytes), (1, bytes));
}

#[test]
fn a_full_window_forgets_the_ordinary_first_and_the_failed_last() {
    let (traces, span) = tight();
    let failed = |id| span(id).with_status(Status::Error(None));
    put(&traces, failed(1), NOW);
    put(&traces, span(2).lasting(2 * S), NOW);
    for id in 3..=30 {
        put(&traces, span(id), NOW);
    }
    assert!(traces.get(1).is_some() && traces.get(2).is_some());
    assert!(traces.get(3).is_none() && traces.get(30).is_some());
    assert_eq!(traces.counts().forgotten, [20, 0, 0]);

    // slow ones fill the window with what is worth more than ordinary ones that have settled
    for id in 31..=50 {
        put(&traces, span(id).lasting(2 * S), later(60));
    }
    assert!(traces.get(1).is_some());
    assert_eq!(traces.counts().forgotten[0], 28);
    for id in 51..=70 {
        put(&traces, failed(id), later(120));
    }
    let Counts { forgotten, traces: kept, .. } = traces.counts();
    assert_eq!(forgotten[1], 21);
    assert_eq!(kept, 10);
}

#[test]
fn a_trace_that_is_being_written_outlives_one_that_has_settled() {
    let (traces, span) = tight();
    for id in 1..=10 {
        put(&traces, span(id), NOW);
    }
    // the oldest gets another span: it is written still
    put(&traces, Span { span_id: 2, ..span(1) }, later(60));
    put(&traces, span(11), later(60));
    assert!(traces.get(1).is_some() && traces.get(11).is_some());
    assert!(traces.get(2).is_none());
}

#[test]
fn a_late_span_brings_back_no_stump() {
    let (traces, span) = tight();
    for id in 1..=11 {
        put(&traces, span(id), NOW);
    }
    assert_eq!(put(&traces, Span { span_id: 2, ..span(1) }, NOW), Outcome::Late);
    assert!(traces.get(1).is_none());
    assert_eq!(traces.counts().late, 1);
}

#[test]
fn a_trace_has_only_so_many_spans_and_so_many_bytes() {
    let few = traces(Limits { spans_of_a_trace: 2, ..Limits::default() });
    let span = |id| Span::sample(1, id, "orders", "work");
    let outcomes: Vec<Outcome> = (1..=4).map(|id| put(&few, span(id), NOW)).collect();
    assert_eq!(outcomes, [Outcome::Kept, Outcome::Kept, Outcome::Full, Outcome::Full]);
    assert_eq!((few.get(1).unwrap().refused, few.counts().full), (2, 2));

    let small = traces(Limits { window_bytes: 8000, ..Limits::default() });
    let long = "x".repeat(3000);
    assert_eq!(put(&small, span(1).says("text", &long), NOW), Outcome::Full);
    assert_eq!(small.counts(), Counts { full: 1, ..Counts::default() });
}

#[test]
fn a_reader_keeps_what_it_saw() {
    let traces = traces(Limits::default());
    put(&traces, Span::sample(1, 1, "orders", "a"), NOW);
    let seen = traces.get(1).unwrap();
    put(&traces, Span::sample(1, 2, "orders", "b"), NOW);
    assert_eq!((seen.spans().len(), traces.get(1).unwrap().spans().len()), (1, 2));
}

#[test]
fn services_and_operations_are_bounded_and_still_found() {
    let traces = traces(Limits { services: 2, operations_of_a_service: 1, ..Limits::default() });
    for (id, service, name) in [(1, "a", "x"), (2, "a", "y"), (3, "b", "x"), (4, "c", "x"), (5, "d", "z")] {
        put(&traces, Span::sample(id, 1, service, name).at(NOW + id as u64), NOW);
    }
    assert_eq!(traces.services().iter().map(|name| &**name).collect::<Vec<_>>(), [OTHERS, "a", "b"]);
    let operations: Vec<Text> = traces.operations("a").into_iter().map(|(name, _)| name).collect();
    assert_eq!(operations.iter().map(|name| &**name).collect::<Vec<_>>(), [OTHERS, "x"]);
    let find = |service: &str, operation: Option<&str>| {
        let (service, operation) = (Some(service.to_owned()), operation.map(str::to_owned));
        ids(&traces, &Query { service, operation, ..query() })
    };
    assert_eq!(find("c", None), [4]);
    assert_eq!(find("a", Some("y")), [2]);
    assert_eq!(find("d", Some("x")), [0_u128; 0]);
    assert_eq!(find(OTHERS, None), [5, 4]);
    assert_eq!(find("a", Some(OTHERS)), [2]);
}

#[test]
fn words_of_forgotten_traces_make_room_for_others() {
    let traces = traces(Limits { services: 1, window_bytes: 4000, ..Limits::default() });
    put(&traces, Span::sample(1, 1, "orders", "work"), NOW);
    for id in 2..=40 {
        put(&traces, Span::sample(id, 1, "other", "work"), NOW);
    }
    assert!(traces.get(1).is_none());
    assert_eq!(traces.services().last().map(|name| &**name), Some("other"));
}

#[test]
fn tags_are_found_wherever_they_stand() {
    let traces = traces(Limits::default());
    let span = Span::sample(1, 1, "orders", "place")
        .of_kind(Kind::Server)
        .with("http.response.status_code", Value::Int(500))
        .with("ratio", Value::Double(0.5))
        .with("retry", Value::Bool(true))
        .of_process(&[("host.name", "a")])
        .with_event(NOW, "exception", "exception.type", "Timeout")
        .with_status(error("no answer"));
    put(&traces, span, NOW);
    put(&traces, Span::sample(2, 1, "orders", "place"), NOW);
    let found =
        |key: &str, value: &str| ids(&traces, &Query { tags: vec![(key.into(), value.into())], ..query() });
    for (key, value) in [
        ("http.response.status_code", "500"),
        ("ratio", "0.50"),
        ("retry", "true"),
        ("host.name", "a"),
        ("resource.host.name", "a"),
        ("exception.type", "Timeout"),
        ("event", "exception"),
        ("error", "true"),
        ("span.kind", "server"),
        ("otel.status_code", "ERROR"),
        ("otel.status_description", "no answer"),
    ] {
        assert_eq!(found(key, value), [1], "{key}");
    }
    assert_eq!(found("error", "false"), [2]);
    assert_eq!(found("service.name", "orders"), [1, 2]);
    for (key, value) in [("error", "maybe"), ("ratio", "x"), ("retry", "1"), ("", ""), ("host.name", "b")] {
        assert_eq!(found(key, value), [0_u128; 0], "{key}");
    }
}

#[test]
fn two_hundred_thousand_spans_leave_a_bounded_window() {
    const TRACES: u64 = 10_000;
    const SPANS: u64 = 20;
    let limits = Limits { window_bytes: 2 << 20, ..Limits::default() };
    let traces = traces(limits.clone());
    for trace in 0..TRACES {
        let span = |id: u64| {
            let span = Span::sample(u128::from(trace) + 1, id + 1, ["a", "b", "c"][id as usize % 3], "work");
            let status = if trace % 100 == 0 && id == 7 { error("broken") } else { Status::Unset };
            span.at(NOW + trace * MS).with_status(status).says("tradewind.order.id", "0123456789")
        };
        let spans: Vec<Arc<Span>> = (0..SPANS).map(|id| Arc::new(span(id))).collect();
        traces.insert(&spans, NOW + trace * MS);
    }
    let counts = traces.counts();
    assert!(counts.bytes <= limits.window_bytes && counts.bytes > limits.window_bytes / 10 * 9, "{counts:?}");
    assert_eq!(counts.spans, counts.traces * SPANS as usize);
    assert_eq!(counts.traces as u64 + counts.forgotten.iter().sum::<u64>(), TRACES);
    // Of the failed ones, a hundredth of all, a quarter of the window is kept; that is more than a hundredth.
    let failed = ids(&traces, &Query { tags: vec![("error".into(), "true".into())], limit: 1000, ..query() });
    assert!(failed.len() * 10 > counts.traces, "{} of {}", failed.len(), counts.traces);
}

fn any_span() -> impl Strategy<Value = Span> {
    let name = |names: &'static [&'static str]| proptest::sample::select(names);
    let who = (1..12_u128, 1..6_u64, name(&["a", "b", "c", "d"]), name(&["x", "y", "z"]));
    let when = (0..40_u64, prop_oneof![Just(0), 1..3000_u64]);
    let what = (proptest::bool::weighted(0.2), 0..3_i64, 0..200_usize);
    (who, when, what).prop_map(|((trace, id, service, name), (start, duration), (failed, number, bytes))| {
        let status = if failed { error("broken") } else { Status::Unset };
        Span::sample(trace, id, service, name)
            .at(NOW + start * S)
            .lasting(duration * MS)
            .with_status(status)
            .with("number", Value::Int(number))
            .says("text", &"x".repeat(bytes))
    })
}

fn any_query() -> impl Strategy<Value = Query> {
    let some = |names: &'static [&'static str]| {
        proptest::option::of(proptest::sample::select(names).prop_map(str::to_owned))
    };
    let tag = prop_oneof![
        Just(("error".to_owned(), "true".to_owned())),
        (0..4_i64).prop_map(|number| ("number".to_owned(), number.to_string())),
    ];
    let times = (proptest::option::of(0..45_u64), proptest::option::of(0..45_u64));
    let durations = (proptest::option::of(0..3000_u64), proptest::option::of(0..3000_u64));
    let tags = proptest::collection::vec(tag, 0..2);
    (some(&["a", "b", "c", "d", "e"]), some(&["x", "y", "z"]), tags, times, durations, 1..15_usize).prop_map(
        |(service, operation, tags, (start, end), (min, max), limit)| Query {
            service,
            operation,
            tags,
            start: start.map(|seconds| NOW + seconds * S),
            end: end.map(|seconds| NOW + seconds * S),
            min_duration: min.map(|millis| millis * MS),
            max_duration: max.map(|millis| millis * MS),
            limit,
        },
    )
}

/// What a query means, without an index and in other words than the code's.
fn naive(kept: &BTreeMap<u128, Arc<Trace>>, query: &Query) -> Vec<u128> {
    let hit = |span: &Span| {
        let tag = |(key, value): &(String, String)| match key.as_str() {
            "error" => span.failed(),
            _ => span.attribute(key) == value.parse().map(Value::Int).ok().as_ref(),
        };
        let begun = query.start.unwrap_or(0)..=query.end.unwrap_or(u64::MAX);
        let lasted = query.min_duration.unwrap_or(0)..=query.max_duration.unwrap_or(u64::MAX);
        query.service.as_ref().is_none_or(|service| **service == *span.resource.service)
            && query.operation.as_ref().is_none_or(|operation| **operation == *span.name)
            && query.tags.iter().all(tag)
            && begun.contains(&span.start)
            && lasted.contains(&span.duration)
    };
    let mut found: Vec<&Arc<Trace>> =
        kept.values().filter(|trace| trace.spans().iter().any(|span| hit(span))).collect();
    found.sort_by_key(|trace| (Reverse(trace.spans().iter().map(|span| span.start).min()), trace.id));
    found.into_iter().map(|trace| trace.id).take(query.limit).collect()
}

proptest! {
    #[test]
    fn the_window_stays_within_its_bytes_and_keeps_traces_whole(
        spans in proptest::collection::vec((any_span(), 0..8_u64), 0..150),
        window_bytes in 0..20_000_usize,
    ) {
        let traces = traces(Limits { window_bytes, spans_of_a_trace: 4, ..Limits::default() });
        let mut came: HashMap<u128, HashSet<u64>> = HashMap::new();
        let mut now = NOW;
        for (span, passed) in spans {
            now += passed * S;
            let (trace, id) = (span.trace_id, span.span_id);
            let outcome = put(&traces, span, now);
            match outcome {
                Outcome::Kept => { came.entry(trace).or_default().insert(id); }
                // nothing half is left of what is forgotten
                Outcome::Late => prop_assert!(traces.get(trace).is_none()),
                Outcome::Again | Outcome::Ended => prop_assert!(came[&trace].contains(&id)),
                Outcome::Full => {}
            }
            let counts = traces.counts();
            prop_assert!(counts.bytes <= window_bytes);
            let kept = traces.search(&Query { limit: usize::MAX, ..Query::default() });
            prop_assert_eq!(kept.len(), counts.traces);
            prop_assert_eq!(kept.iter().map(|trace| trace.spans().len()).sum::<usize>(), counts.spans);
            let weight: usize = kept.iter().flat_map(|trace| trace.spans()).map(|span| span.weight()).sum();
            prop_assert!(weight <= counts.bytes);
            for trace in kept {
                let ids: HashSet<u64> = trace.spans().iter().map(|span| span.span_id).collect();
                prop_assert_eq!(&ids, &came[&trace.id]);
                prop_assert_eq!(Some(trace.start), trace.spans().iter().map(|span| span.start).min());
                prop_assert_eq!(Some(trace.end), trace.spans().iter().map(|span| span.end()).max());
            }
            if matches!(outcome, Outcome::Kept) {
                prop_assert!(traces.get(trace).is_some());
            }
        }
    }

    #[test]
    fn a_search_finds_what_a_look_at_every_span_finds(
        spans in proptest::collection::vec(any_span(), 0..80),
        queries in proptest::collection::vec(any_query(), 1..10),
        window_bytes in 5_000..60_000_usize,
        services in 1..4_usize,
        operations_of_a_service in 1..3_usize,
    ) {
        let limits = Limits { window_bytes, services, operations_of_a_service, ..Limits::default() };
        let traces = traces(limits);
        for span in spans {
            put(&traces, span, NOW);
        }
        let all = traces.search(&Query { limit: usize::MAX, ..Query::default() });
        let kept = all.into_iter().map(|trace| (trace.id, trace)).collect();
        for query in queries {
            prop_assert_eq!(ids(&traces, &query), naive(&kept, &query), "{:?}", query);
        }
    }
}
