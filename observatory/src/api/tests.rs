use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value as Json, json};

use crate::limits::Limits;
use crate::refused::{Reason, Refused};
use crate::span::{Kind, Span};
use crate::testing::{Asked, MS, Measured, NOW, S};

fn calls() -> Vec<Span> {
    let wire = |span: Span| span.says("tradewind.wire", "rest");
    vec![
        Span::sample(1, 1, "gateway", "POST /api/orders").of_kind(Kind::Server).lasting(40 * MS),
        wire(Span::sample(1, 2, "gateway", "orders.place").of_kind(Kind::Client).child_of(1)),
        wire(Span::sample(1, 3, "orders", "orders.place").of_kind(Kind::Server).child_of(2)),
    ]
}

#[tokio::test]
async fn the_status_tells_what_came_and_what_is_kept() {
    let asked = Asked::new(Limits { spans_of_a_trace: 2, ..Limits::default() });
    let counts = asked.store.counts();
    counts.spans.received(7);
    counts.spans.dropped(&Refused::all(Reason::Late, 3));
    counts.requests.received(2);
    counts.requests.dropped(&Refused::all(Reason::Malformed, 1));
    asked.store.insert(calls());
    asked.store.insert(calls().into_iter().take(1).collect());
    let bytes = asked.store.traces().counts().bytes;
    let expected = json!({
        "spans_received": 7,
        "spans_dropped": {"late": 3, "trace_forgotten": 0, "trace_full": 1},
        "spans_repeated": 1,
        "spans_kept": 2,
        "spans_forgotten": 0,
        "traces_kept": 1,
        "traces_forgotten": 0,
        "traces_forgotten_by_class": {"ordinary": 0, "slow": 0, "failed": 0},
        "bytes_kept": bytes,
        "bytes_limit": Limits::default().window_bytes,
        "bytes_waiting": 0,
        "bytes_waiting_limit": Limits::default().intake_bytes,
        "oldest_trace_us": NOW / 1000,
        "points_received": 0,
        "points_dropped": {"no_room": 0},
        "logs_received": 0,
        "requests_received": 2,
        "requests_refused": {"malformed": 1},
        "metrics_series": 0,
        "series_refused": 0,
    });
    assert_eq!(asked.ok("/api/observatory/status").await, expected);
}

#[tokio::test]
async fn the_map_is_told() {
    let asked = Asked::with(calls());
    asked.clock.advance(Duration::from_secs(10));
    let map = asked.ok("/api/observatory/map?minutes=1").await;
    let edge = &map["edges"][0];
    assert_eq!(
        (&edge["from"], &edge["to"], &edge["wire"]),
        (&json!("gateway"), &json!("orders"), &json!("rest"))
    );
    assert_eq!((&edge["rate_per_s"], &edge["error_share"]), (&json!(0.1), &json!(0.0)));
    assert!(edge["p95_ms"].as_f64().is_some_and(|millis| (millis - 10.0).abs() <= 10.0 / 16.0));
    let nodes: Vec<(&Json, &Json)> =
        map["nodes"].as_array().unwrap().iter().map(|node| (&node["service"], &node["kind"])).collect();
    let service = json!("service");
    assert_eq!(nodes, [(&json!("gateway"), &service), (&json!("orders"), &service)]);
    let empty = json!({"nodes": [], "edges": []});
    assert_eq!(Asked::with(Vec::new()).ok("/api/observatory/map").await, empty);
}

#[tokio::test]
async fn a_service_is_told() {
    let asked = Asked::with(calls());
    let memory = Measured::gauge("orders", "process.memory.usage", 5.0).in_unit("By").labelled("a", "b");
    asked.store.insert_points(&[memory.at(NOW)]);
    asked.clock.advance(Duration::from_secs(10));
    let json = asked.ok("/api/observatory/services/orders?minutes=1").await;
    assert_eq!((&json["service"], &json["step_s"]), (&json!("orders"), &json!(10)));
    assert_eq!(json["from_us"], json!((NOW - 50 * S) / 1000));
    assert_eq!(json["rate_per_s"], json!([0.0, 0.0, 0.0, 0.0, 0.0, 0.1]));
    assert_eq!(json["error_share"], json!([null, null, null, null, null, 0.0]));
    for chart in ["p50_ms", "p95_ms", "p99_ms"] {
        assert_eq!(json[chart].as_array().unwrap().len(), 6);
        assert!(json[chart][0].is_null() && json[chart][5].is_f64(), "{chart}");
    }
    let operation = &json["operations"][0];
    assert_eq!((&operation["operation"], &operation["kind"]), (&json!("orders.place"), &json!("server")));
    assert_eq!(operation["calls"], 1);
    let gauge = json!({
        "name": "process.memory.usage",
        "unit": "By",
        "labels": {"a": "b"},
        "points": [null, null, null, null, null, 5.0],
    });
    assert_eq!(json["gauges"], json!([gauge]));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_in_words() {
    let asked = Asked::with(calls());
    for path in ["map?minutes=0", "map?minutes=-5", "map?minutes=x", "services/orders?minutes=1.5"] {
        let (status, json) = asked.get(&format!("/api/observatory/{path}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}");
        assert!(json["error"].as_str().unwrap().contains("'minutes'"), "{path}: {json}");
    }
    let (status, json) = asked.get("/api/observatory/services/nobody").await;
    assert_eq!(
        (status, &json["error"]),
        (StatusCode::NOT_FOUND, &json!("there is no service \"nobody\" that did anything lately"))
    );
    let (status, _) = asked.get("/api/observatory/services/%FF").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    // as far as is remembered, and no farther
    let json = asked.ok("/api/observatory/services/orders?minutes=18446744073709551615").await;
    assert_eq!(json["rate_per_s"].as_array().unwrap().len(), 360);
}

#[tokio::test]
async fn prometheus_is_told() {
    let asked = Asked::with(calls());
    asked.store.counts().spans.received(5);
    asked.store.counts().spans.dropped(&Refused::all(Reason::Full, 2));
    let text = asked.text("/metrics").await;
    let prefix = "tradewind_observatory_";
    for line in [
        "spans_received_total 5",
        "spans_dropped_total{reason=\"full\"} 2",
        "spans_dropped_total{reason=\"trace_full\"} 0",
        "traces_forgotten_total{class=\"failed\"} 0",
        "spans 3",
        "traces 1",
        "requests_received_total 0",
    ] {
        assert!(text.lines().any(|told| told == format!("{prefix}{line}")), "{line} is not in\n{text}");
    }
    let named =
        |line: &str| line.trim_start_matches("# HELP ").trim_start_matches("# TYPE ").starts_with(prefix);
    assert!(text.lines().all(named), "{text}");
}
