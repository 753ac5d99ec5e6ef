//! Traces, metrics and logs, in what they differ.

use opentelemetry_proto::tonic::collector::logs::v1 as logs;
use opentelemetry_proto::tonic::collector::metrics::v1 as metrics;
use opentelemetry_proto::tonic::collector::trace::v1 as traces;
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::census::{self, Shape};
use super::receive::{Receiver, Refusal};
use crate::refused::{Reason, Refused};

/// A kind of telemetry.
pub(super) trait Signal: 'static {
    /// What is sent.
    type Request: Message + Default + DeserializeOwned;
    /// What is answered.
    type Response: Message + Default + Serialize;
    /// Where it is sent to by HTTP.
    const PATH: &'static str;
    /// Where it is sent to by gRPC.
    const METHOD: &'static str;

    /// How large requests are.
    fn shape() -> &'static Shape;
    /// Takes a request in that came `now`, in nanoseconds since 1970; what of it is refused.
    fn take(receiver: &Receiver, request: Self::Request, now: u64) -> Result<Refused, Refusal>;
    /// The answer where so many were refused, with the reasons.
    fn partly(rejected: i64, error_message: String) -> Self::Response;
}

/// Spans.
pub(super) struct Traces;
/// Points of metrics.
pub(super) struct Metrics;
/// Records of logs, of which none is kept: senders that send everything to one place learn that, and go on.
pub(super) struct Logs;

impl Signal for Traces {
    type Request = traces::ExportTraceServiceRequest;
    type Response = traces::ExportTraceServiceResponse;
    const PATH: &'static str = "/v1/traces";
    const METHOD: &'static str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

    fn shape() -> &'static Shape {
        &census::TRACES
    }

    fn take(receiver: &Receiver, request: Self::Request, now: u64) -> Result<Refused, Refusal> {
        receiver.take_spans(request, now)
    }

    fn partly(rejected_spans: i64, error_message: String) -> Self::Response {
        let partial_success = Some(traces::ExportTracePartialSuccess { rejected_spans, error_message });
        Self::Response { partial_success }
    }
}

impl Signal for Metrics {
    type Request = metrics::ExportMetricsServiceRequest;
    type Response = metrics::ExportMetricsServiceResponse;
    const PATH: &'static str = "/v1/metrics";
    const METHOD: &'static str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

    fn shape() -> &'static Shape {
        &census::METRICS
    }

    fn take(receiver: &Receiver, request: Self::Request, now: u64) -> Result<Refused, Refusal> {
        receiver.take_points(request, now)
    }

    fn partly(rejected_data_points: i64, error_message: String) -> Self::Response {
        let partial_success =
            Some(metrics::ExportMetricsPartialSuccess { rejected_data_points, error_message });
        Self::Response { partial_success }
    }
}

impl Signal for Logs {
    type Request = logs::ExportLogsServiceRequest;
    type Response = logs::ExportLogsServiceResponse;
    const PATH: &'static str = "/v1/logs";
    const METHOD: &'static str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

    fn shape() -> &'static Shape {
        &census::LOGS
    }

    fn take(receiver: &Receiver, request: Self::Request, _: u64) -> Result<Refused, Refusal> {
        let scopes = request.resource_logs.iter().flat_map(|of_resource| &of_resource.scope_logs);
        let records = scopes.map(|of_scope| of_scope.log_records.len() as u64).sum();
        let refused = Refused::all(Reason::Unsupported, records);
        receiver.counts().logs.received(records);
        receiver.counts().logs.dropped(&refused);
        Ok(refused)
    }

    fn partly(rejected_log_records: i64, error_message: String) -> Self::Response {
        let partial_success = Some(logs::ExportLogsPartialSuccess { rejected_log_records, error_message });
        Self::Response { partial_success }
    }
}
