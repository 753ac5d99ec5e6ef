//! Points of metrics as they came, a value for each step.

use std::collections::HashMap;

use super::reading::{Line, Reading};
use super::steps::STEP;
use crate::metric::Point;

/// The lines of all charts. Bounded.
#[derive(Debug)]
pub(super) struct Gauges {
    lines: HashMap<Line, Gauge>,
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

/// The last point of a line.
#[derive(Debug, Clone, Copy)]
struct Last {
    time: u64,
    reading: Reading,
}

impl Gauges {
    pub(super) fn new(most: usize, steps: u64) -> Self {
        Self { lines: HashMap::new(), most, steps, refused: 0 }
    }

    /// Takes a point in. One that is no newer than the last of its line says nothing new.
    pub(super) fn point(&mut self, point: &Point, now: u64) {
        let time = point.time.min(now);
        let step = time / STEP;
        if step + self.steps <= now / STEP {
            return;
        }
        let (line, last) = (Line::of(point), Last { time, reading: Reading::of(point) });
        if let Some(gauge) = self.lines.get_mut(&line) {
            if time > gauge.last.time {
                gauge.add(step, last, point.since);
            }
            return;
        }
        if self.lines.len() >= self.most {
            self.refused += 1;
            return;
        }
        let values = vec![f32::NAN; usize::try_from(self.steps).unwrap_or(0)].into_boxed_slice();
        let mut gauge = Gauge { values, newest: step, last };
        gauge.set(step, last.reading.first(point.since, time));
        self.lines.insert(line, gauge);
    }

    /// Forgets lines that said nothing since this step.
    pub(super) fn forget_before(&mut self, step: u64) {
        self.lines.retain(|_, gauge| gauge.newest >= step);
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused
    }

    /// Every line of a service with its values from one step to another, both included.
    pub(super) fn of(&self, service: &str, from: u64, to: u64) -> Vec<(Line, Vec<Option<f64>>)> {
        let wanted = self.lines.iter().filter(|(line, _)| *line.service == *service);
        let values = |gauge: &Gauge| (from..=to).map(|step| gauge.get(step)).collect();
        wanted.map(|(line, gauge)| (line.clone(), values(gauge))).collect()
    }

    /// Whether there is any of a service.
    pub(super) fn has(&self, service: &str) -> bool {
        self.lines.keys().any(|line| *line.service == *service)
    }
}

impl Gauge {
    fn add(&mut self, step: u64, last: Last, since: Option<u64>) {
        let value = last.reading.next(self.last.reading, self.last.time, since, last.time);
        let newest = self.newest.max(step);
        let passed = (newest - self.newest).min(self.values.len() as u64);
        for empty in newest - passed..newest {
            self.set(empty + 1, None);
        }
        self.newest = newest;
        if value.is_some() {
            self.set(step, value);
        }
        self.last = last;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Measured, S};

    fn gauge(seconds: u64, value: f64) -> Point {
        Measured::gauge("orders", "m", value).at(seconds * S)
    }

    fn shown(points: &[Point], from: u64, to: u64) -> Vec<Option<f64>> {
        let mut gauges = Gauges::new(1, 6);
        points.iter().for_each(|point| gauges.point(point, point.time));
        gauges.of("orders", from, to).remove(0).1
    }

    #[test]
    fn a_gauge_is_shown_as_it_is() {
        let points = [gauge(100, 1.5), gauge(125, 2.5)];
        assert_eq!(shown(&points, 9, 13), [None, Some(1.5), None, Some(2.5), None]);
    }

    #[test]
    fn old_values_are_not_taken_for_new_ones() {
        let points = [gauge(100, 1.0), gauge(1000, 2.0)];
        assert_eq!(shown(&points, 94, 101), [None, None, None, None, None, None, Some(2.0), None]);
    }

    #[test]
    fn lines_beyond_the_bound_are_refused_until_others_are_forgotten() {
        let mut gauges = Gauges::new(1, 6);
        let other = Measured::gauge("orders", "other", 1.0).at(100 * S);
        gauges.point(&gauge(100, 1.0), 100 * S);
        gauges.point(&other, 100 * S);
        assert_eq!((gauges.len(), gauges.refused()), (1, 1));
        gauges.forget_before(11);
        gauges.point(&other, 100 * S);
        assert_eq!((gauges.len(), gauges.refused()), (1, 1));
    }
}
