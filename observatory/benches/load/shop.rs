//! What the shop says of its orders, encoded once; ids and times are filled in where they stand.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message as _;

/// Spans of a request, as OpenTelemetry's SDK sends them.
const BATCH: usize = 512;
/// Orders that are told of before the first is told of again, under other ids.
const ORDERS: u64 = 256;
/// One order of so many fails.
const FAILING: u64 = 20;

/// Stand for what is filled in: the upper half of a trace's id, that of a span's, and that of a time.
const TRACE: [u8; 8] = [0xa7; 8];
const SPAN: [u8; 4] = [0xb3; 4];
const TIME: [u8; 4] = [0xc9, 0xfe, 0xc9, 0xfe];

/// A request.
pub struct Template {
    pub spans: u64,
    body: Vec<u8>,
    traces: Vec<usize>,
    ids: Vec<usize>,
    times: Vec<usize>,
}

impl Template {
    fn new(service: &str, spans: Vec<Span>) -> Self {
        let count = spans.len() as u64;
        let scope =
            Some(InstrumentationScope { name: "tradewind".to_owned(), ..InstrumentationScope::default() });
        let attributes = vec![
            text("service.name", service),
            text("service.namespace", "tradewind"),
            text("service.version", "0.1.0"),
            text("service.instance.id", &format!("{service}-1")),
            text("telemetry.sdk.language", "rust"),
            text("telemetry.sdk.version", "0.33.0"),
        ];
        let resource = Some(Resource { attributes, ..Resource::default() });
        let scope_spans = vec![ScopeSpans { scope, spans, ..ScopeSpans::default() }];
        let of_resource = ResourceSpans { resource, scope_spans, ..ResourceSpans::default() };
        let body = ExportTraceServiceRequest { resource_spans: vec![of_resource] }.encode_to_vec();
        let (traces, ids) = (places(&body, &TRACE), places(&body, &SPAN));
        // a time is written with its lower half first
        let times = places(&body, &TIME).into_iter().map(|place| place - 4).collect();
        Self { spans: count, body, traces, ids, times }
    }

    /// The request with ids that no other round has, and of this moment.
    pub fn filled(&self, round: u64) -> Bytes {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970");
        // what took longest began that long ago
        let began = since.as_nanos() as u64 - 2_000_000_000;
        let mut body = self.body.clone();
        for place in &self.traces {
            body[*place..place + 8].copy_from_slice(&(round + 1).to_be_bytes());
        }
        for place in &self.ids {
            body[*place..place + 4].copy_from_slice(&(round as u32 + 1).to_be_bytes());
        }
        for place in &self.times {
            let said = u32::from_le_bytes(body[*place..place + 4].try_into().expect("four bytes"));
            let (order, micros) = (u64::from(said >> 24), u64::from(said & 0xff_ffff));
            let time = began - ago(round, order) + micros * 1000;
            body[*place..place + 8].copy_from_slice(&time.to_le_bytes());
        }
        body.into()
    }
}

/// How long ago an order was, in nanoseconds. One of four was at some time of the last hour: the numbers of a whole hour
/// are there within seconds, and take the memory that they take in the long run.
fn ago(round: u64, order: u64) -> u64 {
    let step = if order.is_multiple_of(4) { (round * ORDERS + order) / 4 % 350 } else { 0 };
    step * 10_000_000_000
}

/// Where bytes stand.
fn places(body: &[u8], wanted: &[u8]) -> Vec<usize> {
    let mut places = Vec::new();
    let mut from = 0;
    while let Some(at) = body[from..].windows(wanted.len()).position(|window| window == wanted) {
        places.push(from + at);
        from += at + wanted.len();
    }
    places
}

/// The requests of a round, in the order in which they are sent: of each service one after the other, so that each
/// trace comes in pieces.
pub fn templates() -> Vec<Template> {
    let mut told: BTreeMap<&str, Vec<Span>> = BTreeMap::new();
    for order in 0..ORDERS {
        Order { number: order, spans: 0, told: &mut told }.tell();
    }
    let batches = told.iter().map(|(service, spans)| (*service, spans.chunks(BATCH).collect::<Vec<_>>()));
    let batches: Vec<_> = batches.collect();
    let most = batches.iter().map(|(_, chunks)| chunks.len()).max().unwrap_or(0);
    let turns = (0..most).flat_map(|turn| {
        batches.iter().filter_map(move |(service, chunks)| Some((*service, *chunks.get(turn)?)))
    });
    turns.map(|(service, spans)| Template::new(service, spans.to_vec())).collect()
}

/// An order that is being told of.
struct Order<'a> {
    number: u64,
    spans: u32,
    told: &'a mut BTreeMap<&'static str, Vec<Span>>,
}

/// A span that others may be children of.
#[derive(Clone, Copy)]
struct Parent {
    id: u32,
    /// Microseconds.
    start: u32,
    end: u32,
}

impl Order<'_> {
    fn tell(&mut self) {
        let failing = self.number.is_multiple_of(FAILING);
        // one of 64 takes its time
        let whole = if self.number.is_multiple_of(64) { 1_600_000 } else { 30_000 };
        let gateway =
            self.span("gateway", None, SpanKind::Server, "POST /api/orders", (0, whole), false, http());
        let call = self.inside(gateway);
        let call = self.span("gateway", Some(gateway), SpanKind::Client, "POST", call, false, peer("orders"));
        let placed = self.inside(call);
        let placed =
            self.span("orders", Some(call), SpanKind::Server, "orders.place", placed, false, rpc("rest"));
        self.statement("orders", placed, "INSERT orders_orders");
        for (service, operation, fails) in [
            ("inventory", "inventory.reserve", false),
            ("payments", "payments.authorize", failing),
            ("shipping", "shipping.schedule", false),
            ("inventory", "inventory.commit", false),
        ] {
            let at = self.inside(placed);
            let calls =
                self.span("orders", Some(placed), SpanKind::Client, operation, at, fails, peer(service));
            let at = self.inside(calls);
            let asked = self.span(service, Some(calls), SpanKind::Server, operation, at, fails, rpc("grpc"));
            self.statement(service, asked, "UPDATE things");
            if service == "payments" {
                let at = self.inside(asked);
                let card = peer("card-network");
                let card = self.span("payments", Some(asked), SpanKind::Client, "POST", at, fails, card);
                let at = self.inside(card);
                self.span("card-network", Some(card), SpanKind::Server, "POST /holds", at, fails, http());
            }
        }
        let at = self.inside(placed);
        let said = self.span(
            "orders",
            Some(placed),
            SpanKind::Producer,
            "publish tradewind.events",
            at,
            false,
            message(),
        );
        for service in ["notifications", "recommendations"] {
            let at = self.inside(said);
            let queue = format!("process {service}.events");
            let heard = self.span(service, Some(said), SpanKind::Consumer, &queue, at, false, message());
            self.statement(service, heard, "INSERT inbox");
        }
    }

    /// A moment of the order, in microseconds, as it is filled in later.
    fn time(&self, micros: u32) -> u64 {
        u64::from(u32::from_le_bytes(TIME)) << 32 | self.number << 24 | u64::from(micros)
    }

    /// A little later than the parent, and a little shorter.
    fn inside(&self, parent: Parent) -> (u32, u32) {
        (parent.start + 100, parent.end.saturating_sub(200).max(parent.start + 150))
    }

    fn statement(&mut self, service: &'static str, parent: Parent, name: &str) {
        let at = self.inside(parent);
        let attributes = vec![
            text("db.system.name", "sqlite"),
            text("db.operation.name", "INSERT"),
            text("db.collection.name", "orders_orders"),
            text(
                "db.query.text",
                "INSERT INTO orders_orders (id, customer, state, version, total) VALUES ($1, $2, $3, $4, $5)",
            ),
        ];
        self.span(service, Some(parent), SpanKind::Client, name, at, false, attributes);
    }

    #[allow(clippy::too_many_arguments, reason = "what a span is made of")]
    fn span(
        &mut self,
        service: &'static str,
        parent: Option<Parent>,
        kind: SpanKind,
        name: &str,
        (start, end): (u32, u32),
        fails: bool,
        mut attributes: Vec<KeyValue>,
    ) -> Parent {
        self.spans += 1;
        let id = (self.number as u32) << 8 | self.spans;
        attributes.push(text("tradewind.order", &format!("0199c0de-0000-7000-8000-{:012}", self.number)));
        let status = fails.then(|| Status {
            code: StatusCode::Error as i32,
            message: "card network: no answer within 4 s".to_owned(),
        });
        let said = Event {
            time_unix_nano: self.time(start + 10),
            name: "the order was placed".to_owned(),
            attributes: vec![text("level", "INFO")],
            ..Event::default()
        };
        let span = Span {
            trace_id: [TRACE, self.number.to_be_bytes()].concat(),
            span_id: span_id(id),
            parent_span_id: parent.map(|parent| span_id(parent.id)).unwrap_or_default(),
            name: name.to_owned(),
            kind: kind as i32,
            start_time_unix_nano: self.time(start),
            end_time_unix_nano: self.time(end),
            attributes,
            events: if kind == SpanKind::Server { vec![said] } else { Vec::new() },
            status,
            ..Span::default()
        };
        self.told.entry(service).or_default().push(span);
        Parent { id, start, end }
    }
}

fn span_id(id: u32) -> Vec<u8> {
    [SPAN, id.to_be_bytes()].concat()
}

fn http() -> Vec<KeyValue> {
    vec![
        text("http.request.method", "POST"),
        text("http.route", "/api/orders"),
        text("url.path", "/api/orders"),
        text("url.scheme", "http"),
        text("network.protocol.version", "1.1"),
        number("http.response.status_code", 201),
    ]
}

fn rpc(wire: &str) -> Vec<KeyValue> {
    vec![text("tradewind.wire", wire), text("rpc.service", "orders"), text("rpc.method", "place")]
}

fn peer(service: &str) -> Vec<KeyValue> {
    vec![
        text("tradewind.wire", "grpc"),
        text("peer.service", service),
        text("server.address", "127.0.0.1"),
        number("server.port", 40_123),
        text("http.request.method", "POST"),
    ]
}

fn message() -> Vec<KeyValue> {
    vec![
        text("messaging.system", "rabbitmq"),
        text("messaging.destination.name", "tradewind.events"),
        text("messaging.message.id", "0199c0de-1111-7000-8000-000000000000"),
        text("messaging.operation.type", "send"),
    ]
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

fn number(key: &str, value: i64) -> KeyValue {
    attribute(key, Value::IntValue(value))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}
