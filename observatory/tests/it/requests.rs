//! Requests of OTLP.

use std::io::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

pub const PROTOBUF: &str = "application/x-protobuf";
pub const JSON: &str = "application/json";

/// Nanoseconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64
}

pub fn text(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

fn resource() -> Option<Resource> {
    Some(Resource { attributes: vec![text("service.name", "orders")], ..Resource::default() })
}

/// A span of the last millisecond; ids start at 1.
pub fn span(id: u64) -> Span {
    let now = now();
    Span {
        trace_id: u128::from(id).to_be_bytes().to_vec(),
        span_id: id.to_be_bytes().to_vec(),
        name: "POST /api/orders".to_owned(),
        start_time_unix_nano: now - 1_000_000,
        end_time_unix_nano: now,
        ..Span::default()
    }
}

pub fn traces(spans: Vec<Span>) -> ExportTraceServiceRequest {
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    let of_resource = ResourceSpans { resource: resource(), scope_spans, ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![of_resource] }
}

/// A gauge with one point.
pub fn gauge(value: f64) -> ExportMetricsServiceRequest {
    let value = Some(number_data_point::Value::AsDouble(value));
    let data_points = vec![NumberDataPoint { time_unix_nano: now(), value, ..NumberDataPoint::default() }];
    let data = Some(Data::Gauge(Gauge { data_points }));
    let metrics = vec![Metric { name: "queue.depth".to_owned(), data, ..Metric::default() }];
    let scope_metrics = vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }];
    let of_resource = ResourceMetrics { resource: resource(), scope_metrics, ..ResourceMetrics::default() };
    ExportMetricsServiceRequest { resource_metrics: vec![of_resource] }
}

pub fn logs(count: usize) -> ExportLogsServiceRequest {
    let scope_logs =
        vec![ScopeLogs { log_records: vec![LogRecord::default(); count], ..ScopeLogs::default() }];
    let of_resource = ResourceLogs { scope_logs, ..ResourceLogs::default() };
    ExportLogsServiceRequest { resource_logs: vec![of_resource] }
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
