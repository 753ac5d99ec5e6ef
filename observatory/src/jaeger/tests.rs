use axum::http::StatusCode;
use serde_json::{Value as Json, json};

use crate::span::{Kind, Span, Status, Value};
use crate::testing::{Asked, MS, NOW, error, words};

const NOW_US: u64 = NOW / 1000;

fn order() -> Vec<Span> {
    vec![
        Span::sample(0xabc, 1, "gateway", "POST /api/orders").of_kind(Kind::Server).lasting(40 * MS),
        Span::sample(0xabc, 2, "gateway", "orders.place").of_kind(Kind::Client).child_of(1).at(NOW + MS),
        Span::sample(0xabc, 3, "orders", "orders.place").of_kind(Kind::Server).child_of(2).at(NOW + 2 * MS),
    ]
}

fn found(json: &Json) -> Vec<&str> {
    json["data"].as_array().unwrap().iter().map(|trace| trace["traceID"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_trace_is_told_as_jaeger_tells_it() {
    let span = Span::sample(0x1f, 0xb, "orders", "place")
        .of_kind(Kind::Server)
        .child_of(0xa)
        .at(NOW + 1_999)
        .lasting(1_234_567)
        .with_status(error("no stock"))
        .says("http.route", "/api/orders")
        .with("http.response.status_code", Value::Int(500))
        .with("big", Value::Int(1 << 53))
        .with("cached", Value::Bool(false))
        .with("ratio", Value::Double(0.5))
        .with("odd", Value::Double(f64::NAN))
        .with("list", Value::Json("[1]".into()))
        .says("span.kind", "overruled")
        .of_process(&[("service.instance.id", "one")])
        .with_event(NOW + 5000, "exception", "exception.type", "OutOfStock")
        .linked_to(0x1_0000_0000_0000_0000, 0xc)
        .warned("3 attributes dropped");
    let asked = Asked::with(vec![span]);
    let string = |key: &str, value: &str| json!({"key": key, "type": "string", "value": value});
    let expected = json!({
        "data": [{
            "traceID": "000000000000001f",
            "spans": [{
                "traceID": "000000000000001f",
                "spanID": "000000000000000b",
                "operationName": "place",
                "references": [
                    {"refType": "CHILD_OF", "traceID": "000000000000001f", "spanID": "000000000000000a"},
                    {
                        "refType": "FOLLOWS_FROM",
                        "traceID": "00000000000000010000000000000000",
                        "spanID": "000000000000000c",
                    },
                ],
                "startTime": NOW_US + 1,
                "duration": 1234,
                "tags": [
                    string("http.route", "/api/orders"),
                    {"key": "http.response.status_code", "type": "int64", "value": 500},
                    {"key": "big", "type": "int64", "value": "9007199254740992"},
                    {"key": "cached", "type": "bool", "value": false},
                    {"key": "ratio", "type": "float64", "value": 0.5},
                    string("odd", "NaN"),
                    string("list", "[1]"),
                    string("span.kind", "server"),
                    string("otel.status_code", "ERROR"),
                    {"key": "error", "type": "bool", "value": true},
                    string("otel.status_description", "no stock"),
                ],
                "logs": [{
                    "timestamp": NOW_US + 5,
                    "fields": [string("event", "exception"), string("exception.type", "OutOfStock")],
                }],
                "processID": "p1",
                "warnings": ["3 attributes dropped"],
            }],
            "processes": {"p1": {"serviceName": "orders", "tags": [string("service.instance.id", "one")]}},
            "warnings": null,
        }],
        "total": 0,
        "limit": 0,
        "offset": 0,
        "errors": null,
    });
    for id in ["1f", "1F", "000000000000001f", "0000000000000000000000000000001f"] {
        assert_eq!(asked.ok(&format!("/api/traces/{id}")).await, expected);
    }
}

#[tokio::test]
async fn spans_come_by_time_and_share_their_processes() {
    let asked = Asked::with(order());
    let json = asked.ok("/api/traces/abc").await;
    let trace = &json["data"][0];
    let spans: Vec<(&str, &str)> = trace["spans"]
        .as_array()
        .unwrap()
        .iter()
        .map(|span| (span["spanID"].as_str().unwrap(), span["processID"].as_str().unwrap()))
        .collect();
    assert_eq!(spans, [("0000000000000001", "p1"), ("0000000000000002", "p1"), ("0000000000000003", "p2")]);
    assert_eq!(trace["processes"]["p2"], json!({"serviceName": "orders", "tags": []}));
}

#[tokio::test]
async fn services_and_operations_are_listed() {
    let asked = Asked::with(order());
    let list = |data: Json, total: u64| json!({"data": data, "total": total, "limit": 0, "offset": 0, "errors": null});
    assert_eq!(asked.ok("/api/services").await, list(json!(["gateway", "orders"]), 2));
    let names = list(json!(["POST /api/orders", "orders.place"]), 2);
    assert_eq!(asked.ok("/api/services/gateway/operations").await, names);
    let of_kinds = json!([
        {"name": "POST /api/orders", "spanKind": "server"},
        {"name": "orders.place", "spanKind": "client"},
    ]);
    assert_eq!(asked.ok("/api/operations?service=gateway").await, list(of_kinds, 2));
    let clients = json!([{"name": "orders.place", "spanKind": "client"}]);
    assert_eq!(asked.ok("/api/operations?service=gateway&spanKind=client").await, list(clients, 1));
    assert_eq!(asked.ok("/api/services/no%2Fbody/operations").await, list(json!([]), 0));
    assert_eq!(Asked::with(Vec::new()).ok("/api/services").await, list(json!([]), 0));
}

#[tokio::test]
async fn traces_are_searched() {
    let mut spans = order();
    spans.push(Span::sample(0xdef, 1, "orders", "sweep").at(NOW + 500 * MS).with_status(Status::Error(None)));
    spans.push(Span::sample(0xfff, 1, "a/b c", "odd").at(NOW + 700 * MS).with("code", Value::Int(500)));
    let asked = Asked::with(spans);
    let (abc, def, fff) = ("0000000000000abc", "0000000000000def", "0000000000000fff");
    for (query, expected) in [
        (String::new(), vec![fff, def, abc]),
        ("service=orders".into(), vec![def, abc]),
        ("service=orders&limit=1".into(), vec![def]),
        ("service=orders&operation=orders.place".into(), vec![abc]),
        ("service=a%2Fb+c".into(), vec![fff]),
        ("service=nobody".into(), vec![]),
        ("tags=%7B%22error%22%3A%22true%22%7D".into(), vec![def]),
        ("tags=%7B%22code%22%3A%22500%22%7D".into(), vec![fff]),
        ("tags=%7B%22code%22%3A500%7D".into(), vec![fff]),
        ("tag=error:true".into(), vec![def]),
        ("minDuration=20ms".into(), vec![abc]),
        ("maxDuration=20ms&service=gateway".into(), vec![abc]),
        ("maxDuration=5ms".into(), vec![]),
        (format!("start={}", NOW_US + 600_000), vec![fff]),
        (format!("start={NOW_US}&end={}", NOW_US + 500_000), vec![def, abc]),
        ("traceID=abc&traceID=DEF".into(), vec![abc, def]),
        ("limit=99999999".into(), vec![fff, def, abc]),
        ("start=0&end=18446744073709551615".into(), vec![fff, def, abc]),
    ] {
        let json = asked.ok(&format!("/api/traces?{query}")).await;
        assert_eq!(found(&json), expected, "{query}");
    }
    let json = asked.ok("/api/traces?traceID=abc&traceID=123").await;
    assert_eq!(found(&json), [abc]);
    assert_eq!(json["errors"], json!([{"msg": "trace not found", "traceID": "0000000000000123"}]));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_in_words() {
    let asked = Asked::with(order());
    for (path, told) in [
        ("/api/traces?limit=0", "'limit'"),
        ("/api/traces?limit=-1", "'limit'"),
        ("/api/traces?limit=abc", "such as 20"),
        ("/api/traces?limit=99999999999999999999999999", "'limit'"),
        ("/api/traces?start=-5", "microseconds"),
        ("/api/traces?start=yesterday", "'start'"),
        ("/api/traces?end=1.5", "'end'"),
        ("/api/traces?start=2&end=1", "'start' is above 'end'"),
        ("/api/traces?minDuration=5", "such as 1.5s, 100ms or 20us"),
        ("/api/traces?minDuration=-5ms", "'minDuration'"),
        ("/api/traces?maxDuration=1e9s", "'maxDuration'"),
        ("/api/traces?minDuration=2s&maxDuration=1s", "'minDuration' is above 'maxDuration'"),
        ("/api/traces?tags=%7Berror", "JSON object"),
        ("/api/traces?tags=%5B1%5D", "'tags'"),
        ("/api/traces?tags=%7B%22a%22%3A%7B%7D%7D", "'tags'"),
        ("/api/traces?tags=%7B%22a%22%3Anull%7D", "'tags'"),
        ("/api/traces?tag=novalue", "key:value"),
        ("/api/traces?traceID=xyz", "hexadecimal"),
        ("/api/traces/xyz", "hexadecimal"),
        ("/api/traces/0", "not all zero"),
        ("/api/traces/%20", "'traceID'"),
        ("/api/traces/fffffffffffffffffffffffffffffffff", "1 to 32"),
        ("/api/traces/%FF%FE", "UTF-8"),
        ("/api/operations", "'service' is missing"),
        ("/api/operations?service=a&spanKind=sever", "one of internal, server"),
        ("/api/dependencies?endTs=x", "milliseconds"),
        ("/api/dependencies?lookback=-1", "'lookback'"),
    ] {
        let (status, json) = asked.get(path).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(json["data"], Json::Null, "{path}");
        assert_eq!(json["errors"][0]["code"], 400, "{path}");
        let message = json["errors"][0]["msg"].as_str().unwrap();
        assert!(message.contains(told), "{path}: {message}");
        assert!(message.len() < 300, "{path}: {message}");
    }
    let (status, json) = asked.get("/api/traces/123").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let errors = json!([{"code": 404, "msg": "trace not found"}]);
    assert_eq!(json, json!({"data": null, "total": 0, "limit": 0, "offset": 0, "errors": errors}));
}

#[tokio::test]
async fn dependencies_are_told() {
    let asked = Asked::with(order());
    let expected = json!([{"parent": "gateway", "child": "orders", "callCount": 1}]);
    assert_eq!(asked.ok("/api/dependencies").await["data"], expected);
    let now_ms = NOW / 1_000_000;
    assert_eq!(asked.ok(&format!("/api/dependencies?endTs={now_ms}&lookback=60000")).await["data"], expected);
    assert_eq!(asked.ok("/api/dependencies?service=shipping").await["data"], json!([]));
    assert_eq!(asked.ok("/api/dependencies?endTs=1000&lookback=99999999999999").await["data"], json!([]));
}

#[tokio::test]
async fn a_full_trace_says_so() {
    let asked = Asked::new(crate::limits::Limits { spans_of_a_trace: 1, ..Default::default() });
    asked
        .store
        .insert((1..4).map(|id| Span::sample(1, id, "orders", "work").with("a", words("b"))).collect());
    let json = asked.ok("/api/traces/1").await;
    let warning = "2 more spans came than a trace may have, and were dropped";
    assert_eq!(json["data"][0]["warnings"], json!([warning]));
}
