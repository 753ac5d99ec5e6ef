//! The messages of OTLP, as far as they hold others.

use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics,
    ScopeMetrics, SummaryDataPoint,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

use super::Shape;

/// `ExportTraceServiceRequest`.
pub(in crate::otlp) static TRACES: Shape = Shape { bytes: 0, fields: &[(1, &RESOURCE_SPANS)] };
/// `ExportMetricsServiceRequest`.
pub(in crate::otlp) static METRICS: Shape = Shape { bytes: 0, fields: &[(1, &RESOURCE_METRICS)] };
/// `ExportLogsServiceRequest`.
pub(in crate::otlp) static LOGS: Shape = Shape { bytes: 0, fields: &[(1, &RESOURCE_LOGS)] };

const fn shape<T>(fields: &'static [(usize, &'static Shape)]) -> Shape {
    Shape { bytes: size_of::<T>(), fields }
}

static RESOURCE_SPANS: Shape = shape::<ResourceSpans>(&[(1, &RESOURCE), (2, &SCOPE_SPANS)]);
static SCOPE_SPANS: Shape = shape::<ScopeSpans>(&[(1, &SCOPE), (2, &SPAN)]);
static SPAN: Shape = shape::<Span>(&[(9, &ATTRIBUTE), (11, &EVENT), (13, &LINK)]);
static EVENT: Shape = shape::<Event>(&[(3, &ATTRIBUTE)]);
static LINK: Shape = shape::<Link>(&[(4, &ATTRIBUTE)]);

static RESOURCE_METRICS: Shape = shape::<ResourceMetrics>(&[(1, &RESOURCE), (2, &SCOPE_METRICS)]);
static SCOPE_METRICS: Shape = shape::<ScopeMetrics>(&[(1, &SCOPE), (2, &METRIC)]);
static METRIC: Shape = shape::<Metric>(&[
    (5, &NUMBERS),
    (7, &NUMBERS),
    (9, &HISTOGRAMS),
    (10, &EXPONENTIAL_HISTOGRAMS),
    (11, &SUMMARIES),
    (12, &ATTRIBUTE),
]);
static NUMBERS: Shape = Shape { bytes: 0, fields: &[(1, &NUMBER)] };
static NUMBER: Shape = shape::<NumberDataPoint>(&[(5, &EXEMPLAR), (7, &ATTRIBUTE)]);
static HISTOGRAMS: Shape = Shape { bytes: 0, fields: &[(1, &HISTOGRAM)] };
static HISTOGRAM: Shape = shape::<HistogramDataPoint>(&[(8, &EXEMPLAR), (9, &ATTRIBUTE)]);
static EXPONENTIAL_HISTOGRAMS: Shape = Shape { bytes: 0, fields: &[(1, &EXPONENTIAL_HISTOGRAM)] };
static EXPONENTIAL_HISTOGRAM: Shape =
    shape::<ExponentialHistogramDataPoint>(&[(1, &ATTRIBUTE), (8, &BUCKETS), (9, &BUCKETS), (11, &EXEMPLAR)]);
static BUCKETS: Shape = shape::<Buckets>(&[]);
static SUMMARIES: Shape = Shape { bytes: 0, fields: &[(1, &SUMMARY)] };
static SUMMARY: Shape = shape::<SummaryDataPoint>(&[(6, &QUANTILE), (7, &ATTRIBUTE)]);
static QUANTILE: Shape = shape::<ValueAtQuantile>(&[]);
static EXEMPLAR: Shape = shape::<Exemplar>(&[(7, &ATTRIBUTE)]);

static RESOURCE_LOGS: Shape = shape::<ResourceLogs>(&[(1, &RESOURCE), (2, &SCOPE_LOGS)]);
static SCOPE_LOGS: Shape = shape::<ScopeLogs>(&[(1, &SCOPE), (2, &LOG_RECORD)]);
static LOG_RECORD: Shape = shape::<LogRecord>(&[(5, &VALUE), (6, &ATTRIBUTE)]);

static RESOURCE: Shape = shape::<Resource>(&[(1, &ATTRIBUTE), (3, &ENTITY)]);
static ENTITY: Shape = shape::<EntityRef>(&[(3, &TEXT), (4, &TEXT)]);
static SCOPE: Shape = shape::<InstrumentationScope>(&[(3, &ATTRIBUTE)]);
static ATTRIBUTE: Shape = shape::<KeyValue>(&[(2, &VALUE)]);
static VALUE: Shape = shape::<AnyValue>(&[(5, &LIST), (6, &MAP)]);
static LIST: Shape = shape::<ArrayValue>(&[(1, &VALUE)]);
static MAP: Shape = shape::<KeyValueList>(&[(1, &ATTRIBUTE)]);
static TEXT: Shape = shape::<String>(&[]);
