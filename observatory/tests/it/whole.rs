//! A whole observatory: what is sent by any way is found by any other.

use std::net::SocketAddr;
use std::time::Duration;

use observatory::clock::SystemClock;
use observatory::{Limits, Listeners};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message as _;
use serde_json::{Value, json};
use testkit::eventually;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::requests::{JSON, PROTOBUF, gauge, now, text};
use crate::started::client;

/// Only ever waited out by a test that fails.
const LONG: Duration = Duration::from_secs(60);
/// The id of the trace that all tests send.
const TRACE: u128 = 0x5b8e_fff7_9803_8103_d269_b633_813f_c60c;

/// An observatory as the shop runs it.
pub struct Whole {
    grpc: SocketAddr,
    http: SocketAddr,
    pages: SocketAddr,
    _shutdown: tokio_util::sync::DropGuard,
}

impl Whole {
    pub async fn new(limits: Limits) -> Self {
        let bind = || TcpListener::bind("127.0.0.1:0");
        let (grpc, http, pages) = tokio::try_join!(bind(), bind(), bind()).unwrap();
        let address = |listener: &TcpListener| listener.local_addr().unwrap();
        let (grpc_address, http_address, pages_address) = (address(&grpc), address(&http), address(&pages));
        let shutdown = CancellationToken::new();
        let observatory = observatory::embedded(limits, SystemClock, []);
        tokio::spawn(observatory.serve(Listeners { grpc, http, pages }, shutdown.clone()));
        let _shutdown = shutdown.drop_guard();
        Self { grpc: grpc_address, http: http_address, pages: pages_address, _shutdown }
    }

    pub async fn by_grpc(&self, request: ExportTraceServiceRequest) {
        let mut client = TraceServiceClient::connect(format!("http://{}", self.grpc)).await.unwrap();
        assert_eq!(client.export(request).await.unwrap().into_inner().partial_success, None);
    }

    pub async fn by_http(&self, path: &str, media_type: &str, body: Vec<u8>) {
        let request = client().post(format!("http://{}{path}", self.http)).header("content-type", media_type);
        let answer = request.body(body).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{:?}", answer.text().await);
    }

    pub async fn ask(&self, path: &str) -> Value {
        let answer = client().get(format!("http://{}{path}", self.pages)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.unwrap()
    }

    /// Waits until so many spans came through, and none is on the way.
    pub async fn settled(&self, spans: u64) {
        eventually("all that was sent", LONG, async || {
            let status = self.ask("/api/observatory/status").await;
            (status["spans_received"] == spans && status["bytes_waiting"] == 0).then_some(())
        })
        .await;
    }
}

fn span(id: u64, parent: u64, kind: SpanKind, name: &str) -> Span {
    let started = now() - 1_000_000_000;
    Span {
        trace_id: TRACE.to_be_bytes().to_vec(),
        span_id: id.to_be_bytes().to_vec(),
        parent_span_id: if parent == 0 { Vec::new() } else { parent.to_be_bytes().to_vec() },
        name: name.to_owned(),
        kind: kind as i32,
        start_time_unix_nano: started + id * 1_000_000,
        end_time_unix_nano: started + 500_000_000 - id * 1_000_000,
        ..Span::default()
    }
}

pub fn of(service: &str, spans: Vec<Span>) -> ExportTraceServiceRequest {
    let resource = Some(Resource { attributes: vec![text("service.name", service)], ..Resource::default() });
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }],
    }
}

/// An order as the shop tells of it: gateway and orders speak REST, orders and payments gRPC, and the outcome goes
/// through the broker. Each service sends in its own way.
async fn order() -> Whole {
    let whole = Whole::new(Limits::default()).await;
    let call =
        Span { attributes: vec![text("peer.service", "orders")], ..span(2, 1, SpanKind::Client, "POST") };
    whole.by_grpc(of("gateway", vec![span(1, 0, SpanKind::Server, "POST /api/orders"), call])).await;

    let wire = |name: &str| vec![text("tradewind.wire", name)];
    let message = || vec![text("messaging.system", "rabbitmq")];
    let orders = vec![
        Span { attributes: wire("rest"), ..span(3, 2, SpanKind::Server, "orders.place") },
        Span { attributes: wire("grpc"), ..span(4, 3, SpanKind::Client, "payments.authorize") },
        Span { attributes: message(), ..span(6, 3, SpanKind::Producer, "publish tradewind.events") },
        Span {
            attributes: vec![text("db.system.name", "sqlite")],
            ..span(7, 3, SpanKind::Client, "INSERT orders_orders")
        },
    ];
    whole.by_http("/v1/traces", PROTOBUF, of("orders", orders).encode_to_vec()).await;

    let status = Some(Status { code: StatusCode::Error as i32, message: "card refused".to_owned() });
    let failed =
        Span { attributes: wire("grpc"), status, ..span(5, 4, SpanKind::Server, "payments.authorize") };
    let payments = serde_json::to_vec(&of("payments", vec![failed])).unwrap();
    whole.by_http("/v1/traces", JSON, payments).await;
    let heard =
        Span { attributes: message(), ..span(8, 6, SpanKind::Consumer, "process notifications.events") };
    whole.by_grpc(of("notifications", vec![heard])).await;
    whole.settled(8).await;
    whole
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_that_came_in_pieces_by_every_way_is_one() {
    let whole = order().await;
    let id = format!("{TRACE:032x}");
    for path in [
        format!("/api/traces/{id}"),
        format!("/api/traces?traceID={id}"),
        "/api/traces?service=payments&operation=payments.authorize".to_owned(),
        "/api/traces?service=notifications&tags=%7B%22messaging.system%22:%22rabbitmq%22%7D".to_owned(),
        "/api/traces?tags=%7B%22error%22:%22true%22%7D&minDuration=100ms".to_owned(),
    ] {
        let found = whole.ask(&path).await;
        assert_eq!(found["data"][0]["traceID"], id, "{path}");
        assert_eq!(found["data"][0]["spans"].as_array().unwrap().len(), 8, "{path}");
        assert_eq!(found["data"][0]["processes"].as_object().unwrap().len(), 4, "{path}");
    }
    let services = whole.ask("/api/services").await;
    assert_eq!(services["data"], json!(["gateway", "notifications", "orders", "payments"]));
    let operations = whole.ask("/api/operations?service=orders&spanKind=server").await;
    assert_eq!(operations["data"], json!([{ "name": "orders.place", "spanKind": "server" }]));
    assert_eq!(whole.ask("/api/traces?service=shipping").await["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_called_whom_is_told_to_jaeger_and_on_the_map() {
    let whole = order().await;
    let dependencies = whole.ask("/api/dependencies?lookback=3600000").await;
    assert_eq!(
        dependencies["data"],
        json!([
            { "parent": "gateway", "child": "orders", "callCount": 1 },
            { "parent": "orders", "child": "notifications", "callCount": 1 },
            { "parent": "orders", "child": "payments", "callCount": 1 },
        ])
    );
    let map = whole.ask("/api/observatory/map?minutes=5").await;
    let edges: Vec<_> = map["edges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|edge| json!([edge["from"], edge["to"], edge["wire"]]))
        .collect();
    assert_eq!(
        edges,
        [
            json!(["gateway", "orders", "rest"]),
            json!(["orders", "payments", "grpc"]),
            json!(["orders", "orders sqlite", "sql"]),
            json!(["orders", "rabbitmq", "events"]),
            json!(["rabbitmq", "notifications", "events"]),
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_is_told_of_with_its_operations_and_its_metrics() {
    let whole = order().await;
    whole.by_http("/v1/metrics", JSON, serde_json::to_vec(&gauge(3.0)).unwrap()).await;
    let payments = whole.ask("/api/observatory/services/payments?minutes=5").await;
    let operation = &payments["operations"][0];
    assert_eq!(
        (&operation["operation"], &operation["kind"]),
        (&json!("payments.authorize"), &json!("server"))
    );
    assert_eq!((&operation["calls"], &operation["error_share"]), (&json!(1), &json!(1.0)));
    let orders = eventually("the metric", LONG, async || {
        let orders = whole.ask("/api/observatory/services/orders?minutes=5").await;
        (!orders["gauges"].as_array().unwrap().is_empty()).then_some(orders)
    })
    .await;
    assert_eq!(orders["gauges"][0]["name"], "queue.depth");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_status_tells_where_each_span_is() {
    let whole = order().await;
    // sent again, too old, and one too many of its kind: none is lost without a word
    whole.by_grpc(of("gateway", vec![span(1, 0, SpanKind::Server, "POST /api/orders")])).await;
    let old = Span { start_time_unix_nano: 1, end_time_unix_nano: 2, ..span(9, 0, SpanKind::Server, "old") };
    whole.by_http("/v1/traces", PROTOBUF, of("gateway", vec![old]).encode_to_vec()).await;
    whole.settled(10).await;
    let status = whole.ask("/api/observatory/status").await;
    let dropped: u64 = status["spans_dropped"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert_eq!((&status["spans_kept"], &status["spans_repeated"], dropped), (&json!(8), &json!(1), 1));
    assert_eq!(status["spans_dropped"]["late"], 1);
    let metrics = client().get(format!("http://{}/metrics", whole.pages)).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(metrics.contains("\ntradewind_observatory_spans_received_total 10\n"), "{metrics}");
    assert!(
        metrics.contains("\ntradewind_observatory_spans_dropped_total{reason=\"late\"} 1\n"),
        "{metrics}"
    );
}
