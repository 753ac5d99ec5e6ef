use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::names::OTHERS;
use crate::testing::{MS, Measured, NOW, S, error, later};

const QUARTER: Duration = Duration::from_secs(900);

fn series() -> Series {
    Series::new(&Limits::default(), NOW - 3600 * S)
}

fn server(id: u64, service: &str) -> Span {
    Span::sample(1, id, service, "GET /orders").of_kind(Kind::Server)
}

#[test]
fn a_service_is_told_step_by_step() {
    let series = series();
    for id in 0..20 {
        let span = server(id, "orders").lasting(if id == 19 { S } else { 10 * MS });
        let span = if id < 5 { span.with_status(error("broken")) } else { span };
        series.observe(&span, NOW);
    }
    series.observe(&server(99, "orders").at(later(20)), later(25));
    let report = series.service("orders", Duration::from_secs(60), later(35)).unwrap();
    assert_eq!((report.step_s, report.from_us), (10, (NOW - 30 * S) / 1000));
    assert_eq!(report.rate_per_s, [0.0, 0.0, 0.0, 2.0, 0.0, 0.1]);
    assert_eq!(report.error_share, [None, None, None, Some(0.25), None, Some(0.0)]);
    let (p50, p99) = (report.p50_ms[3].unwrap(), report.p99_ms[3].unwrap());
    assert!((p50 - 10.0).abs() <= 10.0 / 16.0 && (p99 - 1000.0).abs() <= 1000.0 / 16.0, "{p50} {p99}");
    assert_eq!(report.p95_ms[4], None);
    assert!(series.service("nobody", QUARTER, later(35)).is_none());
}

#[test]
fn operations_are_told_by_kind_and_only_entries_count_for_the_service() {
    let series = series();
    series.observe(&server(1, "orders"), NOW);
    for id in 2..4 {
        series.observe(&Span::sample(1, id, "orders", "reserve").of_kind(Kind::Client).child_of(1), NOW);
    }
    let report = series.service("orders", QUARTER, later(10)).unwrap();
    let told: Vec<_> =
        report.operations.iter().map(|found| (&*found.operation, found.kind, found.calls)).collect();
    assert_eq!(told, [("reserve", "client", 2), ("GET /orders", "server", 1)]);
    assert_eq!(report.rate_per_s.iter().sum::<f64>(), 0.1);
}

#[test]
fn the_map_shows_who_called_whom() {
    let series = series();
    series.observe(&server(1, "gateway"), NOW);
    let call = Span::sample(1, 2, "gateway", "place").of_kind(Kind::Client).child_of(1);
    series.observe(&call.says("tradewind.wire", "grpc").with_status(error("no")), NOW);
    series.observe(&server(3, "orders").child_of(2), NOW);
    let query = Span::sample(1, 4, "orders", "SELECT").of_kind(Kind::Client).child_of(3);
    series.observe(&query.says("db.system.name", "sqlite"), NOW);

    let map = series.map(QUARTER, later(5));
    let nodes: Vec<_> = map.nodes.iter().map(|node| (&*node.service, node.kind)).collect();
    assert_eq!(
        nodes,
        [("gateway", NodeKind::Service), ("orders", NodeKind::Service), ("orders sqlite", NodeKind::Store)]
    );
    let edges: Vec<_> = map.edges.iter().map(|edge| (&*edge.from, &*edge.to, edge.wire)).collect();
    assert_eq!(edges, [("gateway", "orders", Wire::Grpc), ("orders", "orders sqlite", Wire::Sql)]);
    assert_eq!(map.edges[0].numbers.error_share, Some(1.0));
    assert_eq!(map.nodes[1].numbers.error_share, Some(0.0));
    let rate = map.edges[0].numbers.rate_per_s;
    // fifteen minutes, of which the last step is half over
    assert!((rate - 1.0 / 895.0).abs() < 1e-9, "{rate}");

    assert!(series.map(QUARTER, later(1000)).nodes.is_empty());
}

#[test]
fn a_young_observatory_divides_by_its_age() {
    let series = Series::new(&Limits::default(), NOW);
    for id in 0..40 {
        series.observe(&server(id, "orders"), NOW);
    }
    assert_eq!(series.map(QUARTER, later(20)).nodes[0].numbers.rate_per_s, 2.0);
}

#[test]
fn dependencies_are_counted_through_the_broker_and_without_oneself() {
    let series = series();
    let call = |id, service| Span::sample(1, id, service, "call").of_kind(Kind::Client);
    for id in 0..3 {
        series.observe(&call(10 + id, "gateway"), NOW);
        series.observe(&server(20 + id, "orders").child_of(10 + id), NOW);
    }
    series.observe(&call(30, "orders"), NOW);
    series.observe(&server(31, "orders").child_of(30), NOW);
    let message = Span::sample(1, 40, "orders", "publish").of_kind(Kind::Producer);
    series.observe(&message.says("messaging.system", "rabbitmq"), NOW);
    let consumer = Span::sample(1, 41, "shipping", "process").of_kind(Kind::Consumer).child_of(40);
    series.observe(&consumer.says("messaging.system", "rabbitmq"), NOW);

    let found = series.dependencies(NOW - S, NOW + S, NOW);
    let told: Vec<_> = found.iter().map(|found| (&*found.parent, &*found.child, found.call_count)).collect();
    assert_eq!(told, [("gateway", "orders", 3), ("orders", "shipping", 1)]);
    assert!(series.dependencies(NOW - 100 * S, NOW - 50 * S, NOW).is_empty());
    assert!(series.dependencies(u64::MAX, u64::MAX, NOW).is_empty());
}

#[test]
fn who_is_down_is_still_the_service_that_it_is() {
    let series = series();
    series.observe(&server(1, "inventory"), NOW);
    let call = Span::sample(2, 2, "orders", "reserve").of_kind(Kind::Client).with_status(error("refused"));
    series.observe(&call.says("peer.service", "inventory").says("http.request.method", "POST"), NOW);
    let map = series.map(QUARTER, later(60));
    assert_eq!(map.nodes.iter().filter(|node| &*node.service == "inventory").count(), 1);
    assert_eq!((&*map.edges[0].to, map.edges[0].wire), ("inventory", Wire::Rest));
}

#[test]
fn what_is_older_than_the_memory_is_gone_with_its_names() {
    let limits = Limits { services: 1, memory_of_series: Duration::from_secs(60), ..Limits::default() };
    let series = Series::new(&limits, NOW);
    series.observe(&server(1, "orders"), NOW);
    series.observe(&server(1, "shipping"), NOW);
    assert!(series.service(OTHERS, QUARTER, NOW).is_some());
    assert!(series.service("orders", QUARTER, later(100)).is_none());
    series.observe(&server(1, "shipping").at(later(100)), later(100));
    assert!(series.service("shipping", QUARTER, later(100)).is_some());
    // begun and ended too long ago to count
    series.observe(&server(1, "shipping").at(NOW), later(110));
    assert_eq!(series.service("shipping", QUARTER, later(110)).unwrap().operations[0].calls, 1);
}

#[test]
fn a_clock_that_runs_ahead_opens_no_steps() {
    let series = series();
    series.observe(&server(1, "orders").at(later(500)), NOW);
    let report = series.service("orders", QUARTER, later(10)).unwrap();
    assert_eq!(report.rate_per_s.last(), Some(&0.1));
}

#[test]
fn what_finds_no_room_is_counted() {
    let series = Series::new(&Limits { series_bytes: 100, ..Limits::default() }, NOW);
    series.observe(&server(1, "orders"), NOW);
    assert_eq!(series.counts(), SeriesCounts { metrics: 0, points_refused: 0, calls_refused: 2 });
}

#[test]
fn metrics_are_told_with_their_service() {
    let series = series();
    let point = |name, value| Measured::gauge("orders", name, value).labelled("pool", "main").at(NOW + S);
    series.point(&point("b", 2.0), later(5));
    series.point(&point("a", 1.0), later(5));
    let report = series.service("orders", Duration::from_secs(20), later(10)).unwrap();
    let told: Vec<_> = report.gauges.iter().map(|gauge| (&*gauge.name, gauge.points.clone())).collect();
    assert_eq!(told, [("a", vec![None, Some(1.0)]), ("b", vec![None, Some(2.0)])]);
    assert_eq!(report.gauges[0].labels, BTreeMap::from([("pool".into(), "main".into())]));
    assert_eq!(series.counts().metrics, 2);
}

#[test]
fn names_without_end_find_only_so_much_room() {
    let limits =
        Limits { services: 50, operations_of_a_service: 50, series_bytes: 1 << 20, ..Limits::default() };
    let series = Series::new(&limits, NOW);
    for id in 0..100_000_u64 {
        let (service, operation) = (format!("service {}", id % 997), format!("operation {}", id / 997));
        let span = Span::sample(u128::from(id) + 1, id + 1, &service, &operation).of_kind(Kind::Client);
        series.observe(&span.says("peer.service", &format!("peer {id}")), NOW);
    }
    let map = series.map(QUARTER, later(60));
    let services = map.nodes.iter().filter(|node| node.kind == NodeKind::Service).count();
    assert!(services <= 51 && map.nodes.len() <= 102 && map.edges.len() <= 2000, "{services}");
    let keys = series.inner.lock().keys.all().count();
    assert!(keys <= 20_000, "{keys}");
    let report = series.service(OTHERS, QUARTER, later(60)).unwrap();
    assert!(report.operations.len() <= 51, "{}", report.operations.len());
}
