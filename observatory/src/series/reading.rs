//! From a point of a metric to what a chart shows: of which line it is, and which number.

use crate::metric::{Instrument, Measure, Point, Temporality};
use crate::span::{Attribute, Text, Value};

/// Tells the processes of a service apart, whose points would be mixed up else.
const INSTANCE: &str = "service.instance.id";

/// A line of a chart: a metric of one process of a service, with one set of attributes. It outlives its process: one
/// that starts anew under the same name goes on where it ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Line {
    /// Whose it is.
    pub(super) service: Text,
    /// `process.memory.usage`
    pub(super) name: Text,
    /// UCUM: `By`, `1`, `{call}/s`.
    pub(super) unit: Text,
    /// In order of their keys.
    pub(super) labels: Box<[(Text, Text)]>,
}

/// What a point says, as far as it is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Reading {
    /// How much there is; also a sum that goes up and down. It is shown as it is.
    Gauge(f64),
    /// How much there has been since the start. It is shown as so much a second.
    Sum(f64, Temporality),
    /// How many measurements there were since the start, and what they add up to. It is shown as their mean.
    Histogram { count: u64, sum: f64, temporality: Temporality },
}

impl Line {
    pub(super) fn of(point: &Point) -> Self {
        let series = &*point.series;
        let told = |Attribute { key, value }: &Attribute| (key.clone(), words(value));
        let instance = series.resource.attributes.iter().find(|known| &*known.key == INSTANCE);
        let own = series.attributes.iter().filter(|own| &*own.key != INSTANCE);
        let mut labels: Vec<(Text, Text)> = own.chain(instance).map(told).collect();
        labels.sort();
        let unit = match Reading::of(point) {
            Reading::Sum(..) if series.unit.is_empty() => "1/s".into(),
            Reading::Sum(..) => format!("{}/s", series.unit).into(),
            Reading::Gauge(_) | Reading::Histogram { .. } => series.unit.clone(),
        };
        Self {
            service: series.resource.service.clone(),
            name: series.name.clone(),
            unit,
            labels: labels.into(),
        }
    }
}

impl Reading {
    pub(super) fn of(point: &Point) -> Self {
        match (&point.measure, &point.series.instrument) {
            (Measure::Histogram(counted), Instrument::Histogram { temporality, .. }) => {
                // without a sum there is no mean
                let (count, sum) = (counted.count, counted.sum.unwrap_or(f64::NAN));
                Self::Histogram { count, sum, temporality: *temporality }
            }
            (
                Measure::Number(value),
                Instrument::Sum { temporality: Temporality::Cumulative, monotonic: false },
            ) => Self::Gauge(*value),
            (Measure::Number(value), Instrument::Sum { temporality, .. }) => Self::Sum(*value, *temporality),
            (Measure::Number(value), Instrument::Gauge | Instrument::Histogram { .. }) => Self::Gauge(*value),
            // no receiver makes such
            (Measure::Histogram(_), Instrument::Gauge | Instrument::Sum { .. }) => Self::Gauge(f64::NAN),
        }
    }

    /// What the first point of a line shows, which has counted since `since`. A cumulative one has nothing yet to be
    /// compared with.
    pub(super) fn first(self, since: Option<u64>, time: u64) -> Option<f64> {
        match self {
            Self::Gauge(value) => Some(value),
            // a delta that does not say since when is of no use
            Self::Sum(value, Temporality::Delta) => rate(value, since?, time),
            Self::Histogram { count, sum, temporality: Temporality::Delta } => mean(sum, count),
            Self::Sum(_, Temporality::Cumulative) => None,
            Self::Histogram { temporality: Temporality::Cumulative, .. } => None,
        }
    }

    /// What a point shows after another of its line, which was at `before`.
    pub(super) fn next(self, last: Self, before: u64, since: Option<u64>, time: u64) -> Option<f64> {
        match (last, self) {
            (Self::Sum(was, Temporality::Cumulative), Self::Sum(value, Temporality::Cumulative)) => {
                // it has started anew if it is less: then all of it is new
                let grown = if value < was { value } else { value - was };
                rate(grown, before, time)
            }
            (
                Self::Histogram { count: was, sum: sum_was, temporality: Temporality::Cumulative },
                Self::Histogram { count, sum, temporality: Temporality::Cumulative },
            ) => match count.checked_sub(was) {
                Some(grown) => mean(sum - sum_was, grown),
                None => mean(sum, count),
            },
            _ => self.first(since, time),
        }
    }
}

fn rate(grown: f64, from: u64, to: u64) -> Option<f64> {
    let seconds = to.saturating_sub(from) as f64 / 1e9;
    (seconds > 0.0).then(|| grown / seconds)
}

fn mean(sum: f64, count: u64) -> Option<f64> {
    (count > 0).then(|| sum / count as f64)
}

fn words(value: &Value) -> Text {
    match value {
        Value::Text(text) | Value::Json(text) => text.clone(),
        Value::Bool(yes) => yes.to_string().into(),
        Value::Int(number) => number.to_string().into(),
        Value::Double(number) => number.to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Measured, NOW, S};

    #[test]
    fn processes_of_a_service_have_lines_of_their_own() {
        let point =
            |instance| Measured::gauge("orders", "depth", 1.0).labelled("queue", "in").by(instance).at(NOW);
        let line = Line::of(&point("orders-1"));
        assert_ne!(line, Line::of(&point("orders-2")));
        assert_eq!(line, Line::of(&point("orders-1")));
        let labels: Vec<(&str, &str)> = line.labels.iter().map(|(key, value)| (&**key, &**value)).collect();
        assert_eq!(labels, [("queue", "in"), (INSTANCE, "orders-1")]);
    }

    #[test]
    fn a_sum_that_only_grows_is_so_much_a_second_and_one_that_does_not_is_as_it_is() {
        let sum = |monotonic| {
            let instrument = Instrument::Sum { temporality: Temporality::Cumulative, monotonic };
            Measured::number("orders", "calls", instrument, 3.0).at(NOW)
        };
        assert_eq!(Reading::of(&sum(true)), Reading::Sum(3.0, Temporality::Cumulative));
        assert_eq!(&*Line::of(&sum(true)).unit, "1/s");
        assert_eq!(Reading::of(&sum(false)), Reading::Gauge(3.0));
        assert_eq!(&*Line::of(&sum(false)).unit, "");
    }

    #[test]
    fn a_sum_is_a_rate_also_when_it_starts_anew() {
        let sum = |value| Reading::Sum(value, Temporality::Cumulative);
        assert_eq!(sum(50.0).first(Some(NOW - S), NOW), None);
        assert_eq!(sum(70.0).next(sum(50.0), NOW, None, NOW + 10 * S), Some(2.0));
        assert_eq!(sum(10.0).next(sum(70.0), NOW, None, NOW + 10 * S), Some(1.0));
        let delta = Reading::Sum(10.0, Temporality::Delta);
        assert_eq!(delta.first(Some(NOW - 5 * S), NOW), Some(2.0));
        assert_eq!(delta.first(None, NOW), None);
    }

    #[test]
    fn a_histogram_is_its_mean() {
        let all = |count, sum| Reading::Histogram { count, sum, temporality: Temporality::Cumulative };
        assert_eq!(all(14, 120.0).next(all(10, 100.0), NOW, None, NOW + S), Some(5.0));
        assert_eq!(all(14, 120.0).next(all(14, 120.0), NOW, None, NOW + S), None);
        assert_eq!(all(2, 8.0).next(all(14, 120.0), NOW, None, NOW + S), Some(4.0));
    }
}
