//! Points of metrics as they came, a value for each step.

use std::collections::HashMap;

use super::steps::STEP;
use crate::span::Text;

/// A point of a metric: what one series of it said at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Which series it is of.
    pub series: MetricSeries,
    /// From when on a [`Reading::Sum`] or [`Reading::Histogram`] has counted; nanoseconds since 1970.
    pub start: u64,
    /// Nanoseconds since 1970.
    pub time: u64,
    /// What it said.
    pub reading: Reading,
}

/// A metric of a service, with one set of labels.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MetricSeries {
    /// Whose it is.
    pub service: Text,
    /// `process.memory.usage`
    pub name: Text,
    /// UCUM: `By`, `1`, `{call}`.
    pub unit: Text,
    /// Its attributes, in order of their keys.
    pub labels: Box<[(Text, Text)]>,
}

/// What a point says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reading {
    /// How much there is; also a sum that goes up and down. It is shown as it is.
    Gauge(f64),
    /// How much there has been since the start; never less than before. It is shown as so much a second.
    Sum(f64, Temporality),
    /// How many measurements there were since the start, and what they add up to. It is shown as their mean.
    Histogram {
        /// How many.
        count: u64,
        /// What they add up to.
        sum: f64,
        /// Where the counting began.
        temporality: Temporality,
    },
}

/// Where the counting of a point began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Temporality {
    /// When the process started: each point has all that came before.
    Cumulative,
    /// At the point before.
    Delta,
}

/// All series of metrics. Bounded.
#[derive(Debug)]
pub(super) struct Gauges {
    series: HashMap<MetricSeries, Gauge>,
    most: usize,
    /// Steps that are remembered.
    steps: u64,
    refused: u64,
}

#[derive(Debug)]
struct Gauge {
    /// A value for each step, none as NaN; the step `n` stands at `n` modulo the length. Half the precision of what
    /// came, since nobody sees the difference in a chart, and all series together take half as much.
    values: Box<[f32]>,
    /// The newest step of them.
    newest: u64,
    last: Last,
}

/// The last point of a series.
#[derive(Debug, Clone, Copy)]
struct Last {
    time: u64,
    reading: Reading,
}

impl Gauges {
    pub(super) fn new(most: usize, steps: u64) -> Self {
        Self { series: HashMap::new(), most, steps, refused: 0 }
    }

    /// Takes a point in. One that is no newer than the last of its series says nothing new.
    pub(super) fn point(&mut self, mut point: Point, now: u64) {
        point.time = point.time.min(now);
        let step = point.time / STEP;
        if step + self.steps <= now / STEP {
            return;
        }
        if let Some(gauge) = self.series.get_mut(&point.series) {
            if point.time > gauge.last.time {
                gauge.add(step, &point);
            }
            return;
        }
        if self.series.len() >= self.most {
            self.refused += 1;
            return;
        }
        let values = vec![f32::NAN; usize::try_from(self.steps).unwrap_or(0)].into_boxed_slice();
        let last = Last { time: point.time, reading: point.reading };
        let mut gauge = Gauge { values, newest: step, last };
        gauge.set(step, first(&point));
        self.series.insert(point.series, gauge);
    }

    /// Forgets series that said nothing since this step.
    pub(super) fn forget_before(&mut self, step: u64) {
        self.series.retain(|_, gauge| gauge.newest >= step);
    }

    pub(super) fn len(&self) -> usize {
        self.series.len()
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused
    }

    /// Every series of a service with its values from one step to another, both included.
    pub(super) fn of(&self, service: &str, from: u64, to: u64) -> Vec<(MetricSeries, Vec<Option<f64>>)> {
        let wanted = self.series.iter().filter(|(series, _)| *series.service == *service);
        let values = |gauge: &Gauge| (from..=to).map(|step| gauge.get(step)).collect();
        wanted.map(|(series, gauge)| (series.clone(), values(gauge))).collect()
    }

    /// Whether there is any of a service.
    pub(super) fn has(&self, service: &str) -> bool {
        self.series.keys().any(|series| *series.service == *service)
    }
}

impl Gauge {
    fn add(&mut self, step: u64, point: &Point) {
        let value = next(self.last, point);
        let newest = self.newest.max(step);
        let passed = (newest - self.newest).min(self.values.len() as u64);
        for empty in newest - passed..newest {
            self.set(empty + 1, None);
        }
        self.newest = newest;
        if value.is_some() {
            self.set(step, value);
        }
        self.last = Last { time: point.time, reading: point.reading };
    }

    fn set(&mut self, step: u64, value: Option<f64>) {
        let steps = self.values.len() as u64;
        if steps > 0 {
            self.values[(step % steps) as usize] = value.map_or(f32::NAN, |value| value as f32);
        }
    }

    fn get(&self, step: u64) -> Option<f64> {
        let steps = self.values.len() as u64;
        let known = step <= self.newest && step + steps > self.newest;
        known.then(|| self.values[(step % steps) as usize]).filter(|value| value.is_finite()).map(f64::from)
    }
}

/// What the first point of a series shows. A cumulative one has nothing yet to be compared with.
fn first(point: &Point) -> Option<f64> {
    match point.reading {
        Reading::Gauge(value) => Some(value),
        Reading::Sum(value, Temporality::Delta) => rate(value, point.start, point.time),
        Reading::Histogram { count, sum, temporality: Temporality::Delta } => mean(sum, count),
        Reading::Sum(_, Temporality::Cumulative) => None,
        Reading::Histogram { temporality: Temporality::Cumulative, .. } => None,
    }
}

/// What a point shows after another of its series.
fn next(last: Last, point: &Point) -> Option<f64> {
    match (last.reading, point.reading) {
        (Reading::Sum(before, Temporality::Cumulative), Reading::Sum(value, Temporality::Cumulative)) => {
            // it has started anew if it is less: then all of it is new
            let grown = if value < before { value } else { value - before };
            rate(grown, last.time, point.time)
        }
        (
            Reading::Histogram { count: before, sum: sum_before, temporality: Temporality::Cumulative },
            Reading::Histogram { count, sum, temporality: Temporality::Cumulative },
        ) => match count.checked_sub(before) {
            Some(grown) => mean(sum - sum_before, grown),
            None => mean(sum, count),
        },
        _ => first(point),
    }
}

fn rate(grown: f64, from: u64, to: u64) -> Option<f64> {
    let seconds = to.saturating_sub(from) as f64 / 1e9;
    // a delta that does not say since when is of no use
    (seconds > 0.0 && from > 0).then(|| grown / seconds)
}

fn mean(sum: f64, count: u64) -> Option<f64> {
    (count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(seconds: u64, reading: Reading) -> Point {
        let series = MetricSeries {
            service: "orders".into(),
            name: "m".into(),
            unit: "1".into(),
            labels: Box::default(),
        };
        Point { series, start: (seconds - 5) * 1_000_000_000, time: seconds * 1_000_000_000, reading }
    }

    fn shown(points: Vec<Point>, from: u64, to: u64) -> Vec<Option<f64>> {
        let mut gauges = Gauges::new(1, 6);
        for point in points {
            let now = point.time;
            gauges.point(point, now);
        }
        gauges.of("orders", from, to).remove(0).1
    }

    #[test]
    fn a_gauge_is_shown_as_it_is() {
        let points = vec![point(100, Reading::Gauge(1.5)), point(125, Reading::Gauge(2.5))];
        assert_eq!(shown(points, 9, 13), [None, Some(1.5), None, Some(2.5), None]);
    }

    #[test]
    fn a_sum_is_shown_as_a_rate_also_when_it_starts_anew() {
        let sum = |seconds, value| point(seconds, Reading::Sum(value, Temporality::Cumulative));
        let points = vec![sum(100, 50.0), sum(110, 70.0), sum(120, 10.0)];
        assert_eq!(shown(points, 10, 12), [None, Some(2.0), Some(1.0)]);
        let points = vec![point(100, Reading::Sum(10.0, Temporality::Delta))];
        assert_eq!(shown(points, 10, 10), [Some(2.0)]);
    }

    #[test]
    fn a_histogram_is_shown_as_its_mean() {
        let all = |seconds, count, sum| {
            point(seconds, Reading::Histogram { count, sum, temporality: Temporality::Cumulative })
        };
        let points = vec![all(100, 10, 100.0), all(110, 14, 120.0), all(120, 14, 120.0)];
        assert_eq!(shown(points, 10, 12), [None, Some(5.0), None]);
    }

    #[test]
    fn old_values_are_not_taken_for_new_ones() {
        let points = vec![point(100, Reading::Gauge(1.0)), point(1000, Reading::Gauge(2.0))];
        assert_eq!(shown(points, 94, 101), [None, None, None, None, None, None, Some(2.0), None]);
    }

    #[test]
    fn series_beyond_the_bound_are_refused_until_others_are_forgotten() {
        let mut gauges = Gauges::new(1, 6);
        let mut other = point(100, Reading::Gauge(1.0));
        other.series.name = "other".into();
        gauges.point(point(100, Reading::Gauge(1.0)), 100 * 1_000_000_000);
        gauges.point(other.clone(), 100 * 1_000_000_000);
        assert_eq!((gauges.len(), gauges.refused()), (1, 1));
        gauges.forget_before(11);
        gauges.point(other, 100 * 1_000_000_000);
        assert_eq!((gauges.len(), gauges.refused()), (1, 1));
    }
}
