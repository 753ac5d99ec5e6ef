//! Points of metrics, from OTLP's.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1 as otlp;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point;

use super::notes::Notes;
use super::{Decoded, Decoder};
use crate::metric::{Distribution, Instrument, Measure, Point, Series, Temporality};
use crate::refused::{Reason, Refused};
use crate::span::{Attribute, Resource, Text};

/// More bounds than anybody looks at.
const MOST_BOUNDS: usize = 256;
/// Among the flags of a point: that there is no value, only the end of a series.
const NO_VALUE: u32 = otlp::DataPointFlags::NoRecordedValueMask as u32;

/// What the points of one metric have in common.
struct Metric<'a> {
    name: Text,
    unit: Text,
    resource: &'a Arc<Resource>,
}

/// When something was measured, and since when.
struct When {
    time: u64,
    since: u64,
}

impl Decoder {
    /// The points of a request that came `now`, in nanoseconds since 1970. What is not a number or a histogram with
    /// bounds is refused.
    pub(crate) fn points(&self, request: ExportMetricsServiceRequest, now: u64) -> Decoded<Point> {
        let mut decoded = Decoded { kept: Vec::new(), refused: Refused::default() };
        for of_resource in request.resource_metrics {
            let resource = self.origin(of_resource.resource).resource;
            let metrics = of_resource.scope_metrics.into_iter().flat_map(|of_scope| of_scope.metrics);
            metrics.for_each(|metric| self.metric(metric, &resource, now, &mut decoded));
        }
        decoded
    }

    fn metric(&self, given: otlp::Metric, resource: &Arc<Resource>, now: u64, decoded: &mut Decoded<Point>) {
        let notes = &mut Notes::default();
        let (name, unit) = (self.name(&given.name, notes), self.name(&given.unit, notes));
        let metric = &Metric { name, unit, resource };
        match given.data {
            Some(Data::Gauge(gauge)) => {
                let points = gauge.data_points.into_iter().filter(|point| point.flags & NO_VALUE == 0);
                points.for_each(|point| decoded.push(self.number(metric, Instrument::Gauge, point, now)));
            }
            Some(Data::Sum(sum)) => {
                let (temporality, monotonic) = (temporality(sum.aggregation_temporality), sum.is_monotonic);
                for point in sum.data_points.into_iter().filter(|point| point.flags & NO_VALUE == 0) {
                    decoded.push(temporality.and_then(|temporality| {
                        self.number(metric, Instrument::Sum { temporality, monotonic }, point, now)
                    }));
                }
            }
            Some(Data::Histogram(histogram)) => {
                let temporality = temporality(histogram.aggregation_temporality);
                for point in histogram.data_points.into_iter().filter(|point| point.flags & NO_VALUE == 0) {
                    decoded.push(temporality.and_then(|known| self.histogram(metric, known, point, now)));
                }
            }
            Some(Data::ExponentialHistogram(histogram)) => {
                decoded.refused.add(Reason::Unsupported, histogram.data_points.len() as u64);
            }
            Some(Data::Summary(summary)) => {
                decoded.refused.add(Reason::Unsupported, summary.data_points.len() as u64);
            }
            // nobody knows how many points there were to be
            None => decoded.refused.add(Reason::Malformed, 1),
        }
    }

    fn number(
        &self,
        metric: &Metric<'_>,
        instrument: Instrument,
        given: otlp::NumberDataPoint,
        now: u64,
    ) -> Result<Point, Reason> {
        let value = match given.value.ok_or(Reason::Malformed)? {
            number_data_point::Value::AsDouble(value) => value,
            number_data_point::Value::AsInt(value) => value as f64,
        };
        let when = When { time: given.time_unix_nano, since: given.start_time_unix_nano };
        self.point(metric, instrument, given.attributes, when, Measure::Number(value), now)
    }

    fn histogram(
        &self,
        metric: &Metric<'_>,
        temporality: Temporality,
        given: otlp::HistogramDataPoint,
        now: u64,
    ) -> Result<Point, Reason> {
        let (bounds, buckets) = (given.explicit_bounds, given.bucket_counts);
        if bounds.len() > MOST_BOUNDS {
            return Err(Reason::TooLarge);
        }
        if !agree(&bounds, &buckets, given.count) {
            return Err(Reason::Malformed);
        }
        // One bucket without bounds says no more than the count.
        let buckets = if bounds.is_empty() { Box::default() } else { buckets.into() };
        let (count, sum, min, max) = (given.count, given.sum, given.min, given.max);
        let measure = Measure::Histogram(Box::new(Distribution { count, sum, min, max, buckets }));
        let when = When { time: given.time_unix_nano, since: given.start_time_unix_nano };
        let instrument = Instrument::Histogram { temporality, bounds: bounds.into() };
        self.point(metric, instrument, given.attributes, when, measure, now)
    }

    fn point(
        &self,
        metric: &Metric<'_>,
        instrument: Instrument,
        attributes: Vec<KeyValue>,
        When { time, since }: When,
        measure: Measure,
        now: u64,
    ) -> Result<Point, Reason> {
        if metric.name.is_empty() {
            return Err(Reason::Malformed);
        }
        self.timely(time, now)?;
        if since > time {
            return Err(Reason::Backwards);
        }
        let mut attributes = self.attributes(attributes, &mut Notes::default());
        attributes.sort_by(|a, b| a.key.cmp(&b.key));
        let told = attributes.iter().map(Attribute::weight).sum::<usize>();
        if metric.name.len() + metric.unit.len() + told > self.limits.series_identity_bytes {
            return Err(Reason::TooLarge);
        }
        let series = self.series(metric, instrument, attributes.into()).ok_or(Reason::TooManySeries)?;
        Ok(Point { series, time, since: Some(since).filter(|since| *since != 0), measure })
    }

    /// The series, one for all of its points; `None` if it is one too many.
    fn series(
        &self,
        metric: &Metric<'_>,
        instrument: Instrument,
        attributes: Box<[Attribute]>,
    ) -> Option<Arc<Series>> {
        let Metric { name, unit, resource } = metric;
        // Resources that are equal are one, and a series holds on to its own: the address tells which.
        let key = format!("{:p} {name:?} {unit:?} {instrument:?} {attributes:?}", Arc::as_ptr(resource));
        let make = || Series {
            name: name.clone(),
            unit: unit.clone(),
            instrument,
            attributes,
            resource: (*resource).clone(),
        };
        self.series.lock().share(key, 1, 0, make)
    }
}

impl Decoded<Point> {
    fn push(&mut self, point: Result<Point, Reason>) {
        match point {
            Ok(point) => self.kept.push(point),
            Err(reason) => self.refused.add(reason, 1),
        }
    }
}

fn temporality(given: i32) -> Result<Temporality, Reason> {
    match otlp::AggregationTemporality::try_from(given) {
        Ok(otlp::AggregationTemporality::Delta) => Ok(Temporality::Delta),
        Ok(otlp::AggregationTemporality::Cumulative) => Ok(Temporality::Cumulative),
        Ok(otlp::AggregationTemporality::Unspecified) | Err(_) => Err(Reason::Malformed),
    }
}

/// Whether the bounds of a histogram go up, and its buckets hold what was counted.
fn agree(bounds: &[f64], buckets: &[u64], count: u64) -> bool {
    let ascending = bounds.iter().all(|bound| bound.is_finite()) && bounds.is_sorted_by(|a, b| a < b);
    let fitting = if buckets.is_empty() { bounds.is_empty() } else { buckets.len() == bounds.len() + 1 };
    let sum = buckets.iter().try_fold(0_u64, |sum, bucket| sum.checked_add(*bucket));
    ascending && fitting && (buckets.is_empty() || sum == Some(count))
}
