use std::sync::Arc;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1 as metrics;

use super::{NOW, text};
use crate::limits::Limits;
use crate::metric::{Instrument, Measure, Point, Temporality};
use crate::otlp::decode::{Decoded, Decoder};
use crate::refused::{Reason, Refused};

fn metrics_request(data: metrics::metric::Data) -> ExportMetricsServiceRequest {
    let metric = metrics::Metric {
        name: "http.server.request.duration".to_owned(),
        unit: "s".to_owned(),
        data: Some(data),
        ..metrics::Metric::default()
    };
    let scope_metrics = vec![metrics::ScopeMetrics { metrics: vec![metric], ..Default::default() }];
    let of_resource = metrics::ResourceMetrics { scope_metrics, ..Default::default() };
    ExportMetricsServiceRequest { resource_metrics: vec![of_resource] }
}

fn number(value: metrics::number_data_point::Value) -> metrics::NumberDataPoint {
    metrics::NumberDataPoint { time_unix_nano: NOW, value: Some(value), ..Default::default() }
}

fn histogram(explicit_bounds: Vec<f64>, bucket_counts: Vec<u64>, count: u64) -> metrics::metric::Data {
    let point = metrics::HistogramDataPoint {
        time_unix_nano: NOW,
        start_time_unix_nano: NOW - 1,
        count,
        sum: Some(1.5),
        bucket_counts,
        explicit_bounds,
        ..Default::default()
    };
    metrics::metric::Data::Histogram(metrics::Histogram {
        data_points: vec![point],
        aggregation_temporality: 2,
    })
}

fn points(data: metrics::metric::Data) -> Decoded<Point> {
    Decoder::new(Limits { series: 2, ..Limits::default() }).points(metrics_request(data), NOW)
}

#[test]
fn gauges_sums_and_histograms_are_kept() {
    use metrics::number_data_point::Value::{AsDouble, AsInt};
    let gauge =
        points(metrics::metric::Data::Gauge(metrics::Gauge { data_points: vec![number(AsDouble(0.5))] }));
    assert_eq!(gauge.kept[0].series.instrument, Instrument::Gauge);
    assert_eq!(gauge.kept[0].measure, Measure::Number(0.5));
    assert_eq!(gauge.kept[0].since, None);
    let sum = points(metrics::metric::Data::Sum(metrics::Sum {
        data_points: vec![number(AsInt(3))],
        aggregation_temporality: 1,
        is_monotonic: true,
    }));
    let expected = Instrument::Sum { temporality: Temporality::Delta, monotonic: true };
    assert_eq!((&sum.kept[0].series.instrument, &sum.kept[0].measure), (&expected, &Measure::Number(3.0)));
    let histogram = points(histogram(vec![0.1, 1.0], vec![1, 2, 3], 6));
    let bounds = Box::new([0.1, 1.0]);
    let expected = Instrument::Histogram { temporality: Temporality::Cumulative, bounds };
    assert_eq!(histogram.kept[0].series.instrument, expected);
    let Measure::Histogram(kept) = &histogram.kept[0].measure else { panic!("{histogram:?}") };
    assert_eq!((kept.count, kept.sum, &*kept.buckets), (6, Some(1.5), [1, 2, 3].as_slice()));
    assert_eq!(histogram.kept[0].since, Some(NOW - 1));
}

#[test]
fn histograms_that_contradict_themselves_are_refused() {
    let of = |bounds: &[f64], buckets: &[u64], count| {
        points(histogram(bounds.to_vec(), buckets.to_vec(), count)).refused
    };
    let malformed = Refused::all(Reason::Malformed, 1);
    assert_eq!(of(&[1.0], &[1], 1), malformed, "a bucket is missing");
    assert_eq!(of(&[1.0], &[], 1), malformed, "all buckets are missing");
    assert_eq!(of(&[1.0], &[1, 2], 4), malformed, "they hold less than was counted");
    assert_eq!(of(&[1.0], &[u64::MAX, 2], 1), malformed, "they hold more than can be counted");
    assert_eq!(of(&[1.0, 1.0], &[0, 0, 0], 0), malformed, "the bounds do not go up");
    assert_eq!(of(&[f64::NAN], &[0, 0], 0), malformed, "a bound is no number");
    let many: Vec<_> = (0..1000).map(f64::from).collect();
    assert_eq!(of(&many, &[0; 1001], 0), Refused::all(Reason::TooLarge, 1));
    assert_eq!(of(&[], &[], 4), Refused::default(), "a count alone is enough");
    assert_eq!(of(&[], &[4], 4), Refused::default(), "so is one bucket for all");
}

#[test]
fn points_without_a_value_a_time_or_a_temporality_are_refused() {
    use metrics::number_data_point::Value::AsInt;
    let gauge =
        |point| points(metrics::metric::Data::Gauge(metrics::Gauge { data_points: vec![point] })).refused;
    let without_value = metrics::NumberDataPoint { time_unix_nano: NOW, ..Default::default() };
    assert_eq!(gauge(without_value.clone()), Refused::all(Reason::Malformed, 1));
    let ended = metrics::NumberDataPoint { flags: 1, ..without_value };
    assert_eq!(gauge(ended), Refused::default(), "the end of a series is no point, and nothing wrong");
    let without_time = metrics::NumberDataPoint { time_unix_nano: 0, ..number(AsInt(1)) };
    assert_eq!(gauge(without_time), Refused::all(Reason::Late, 1));
    let backwards = metrics::NumberDataPoint { start_time_unix_nano: NOW + 1, ..number(AsInt(1)) };
    assert_eq!(gauge(backwards), Refused::all(Reason::Backwards, 1));
    let sum = metrics::Sum { data_points: vec![number(AsInt(1))], ..Default::default() };
    assert_eq!(points(metrics::metric::Data::Sum(sum)).refused, Refused::all(Reason::Malformed, 1));
}

#[test]
fn what_tells_a_series_apart_is_only_so_long() {
    use metrics::number_data_point::Value::AsInt;
    let of = |length: usize| {
        let attributes = vec![text("a", &"x".repeat(length / 2)), text("b", &"x".repeat(length / 2))];
        let data_points = vec![metrics::NumberDataPoint { attributes, ..number(AsInt(1)) }];
        points(metrics::metric::Data::Gauge(metrics::Gauge { data_points })).refused
    };
    assert_eq!(of(500), Refused::default());
    assert_eq!(of(1500), Refused::all(Reason::TooLarge, 1));
}

#[test]
fn summaries_and_exponential_histograms_are_refused_by_name() {
    let summary = metrics::Summary { data_points: vec![metrics::SummaryDataPoint::default(); 2] };
    let expected = Refused::all(Reason::Unsupported, 2);
    assert_eq!(points(metrics::metric::Data::Summary(summary)).refused, expected);
    let data_points = vec![metrics::ExponentialHistogramDataPoint::default(); 2];
    let exponential = metrics::ExponentialHistogram { data_points, aggregation_temporality: 2 };
    assert_eq!(points(metrics::metric::Data::ExponentialHistogram(exponential)).refused, expected);
}

#[test]
fn series_are_told_apart_by_attributes_in_any_order_and_there_are_only_so_many() {
    use metrics::number_data_point::Value::AsInt;
    let decoder = Decoder::new(Limits { series: 2, ..Limits::default() });
    let gauge = |attributes: Vec<KeyValue>| {
        let data_points = vec![metrics::NumberDataPoint { attributes, ..number(AsInt(1)) }];
        decoder.points(metrics_request(metrics::metric::Data::Gauge(metrics::Gauge { data_points })), NOW)
    };
    let one = gauge(vec![text("a", "1"), text("b", "2")]);
    let same = gauge(vec![text("b", "2"), text("a", "1")]);
    assert!(Arc::ptr_eq(&one.kept[0].series, &same.kept[0].series));
    let two = gauge(vec![text("a", "2")]);
    assert_eq!(gauge(vec![text("a", "3")]).refused, Refused::all(Reason::TooManySeries, 1));
    drop(two);
    let three = gauge(vec![text("a", "3")]);
    assert_eq!(three.refused, Refused::default(), "the second is held by nobody any longer");
}
