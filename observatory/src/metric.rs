//! What is kept of a metric: OpenTelemetry's terms, and nothing of any protocol.

use std::mem::size_of;
use std::sync::Arc;

use crate::span::{Attribute, Resource, Text};

/// What a time series said at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Which one; points of one series share it. A series is known for as long as somebody besides the receivers
    /// holds on to it.
    pub series: Arc<Series>,
    /// When; nanoseconds since 1970.
    pub time: u64,
    /// Since when it is counted, where that is known; nanoseconds since 1970. A cumulative series begins anew when
    /// this moves.
    pub since: Option<u64>,
    /// What.
    pub measure: Measure,
}

/// A metric of one process, with one set of attributes.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What is measured: `http.server.request.duration`.
    pub name: Text,
    /// In which unit, as UCUM writes it: `s`, `By`, `{request}`; may be empty.
    pub unit: Text,
    /// How it is measured.
    pub instrument: Instrument,
    /// What tells it from others of its name, in the order of the keys.
    pub attributes: Box<[Attribute]>,
    /// Who measures.
    pub resource: Arc<Resource>,
}

/// How something is measured.
#[derive(Debug, Clone, PartialEq)]
pub enum Instrument {
    /// A value that is as it is, and adds up to nothing.
    Gauge,
    /// A sum of changes.
    Sum {
        /// Since when it is summed.
        temporality: Temporality,
        /// Whether it never goes down.
        monotonic: bool,
    },
    /// How many values there were between bounds.
    Histogram {
        /// Since when they are counted.
        temporality: Temporality,
        /// Each the upper bound of a bucket, which includes it; above the last is one bucket more. Without any,
        /// there are no buckets.
        bounds: Box<[f64]>,
    },
}

/// Since when a sum is summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Temporality {
    /// Since the point before.
    Delta,
    /// Since the start.
    Cumulative,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq)]
pub enum Measure {
    /// A gauge's or a sum's value; whole numbers beyond 2⁵³ lose their last digits.
    Number(f64),
    /// A histogram's.
    Histogram(Box<Distribution>),
}

/// What a histogram counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// How many values.
    pub count: u64,
    /// Their sum, where it is told.
    pub sum: Option<f64>,
    /// The least, where it is told.
    pub min: Option<f64>,
    /// The greatest, where it is told.
    pub max: Option<f64>,
    /// How many between each two bounds: one more than there are bounds, or none.
    pub buckets: Box<[u64]>,
}

impl Point {
    /// About how many bytes it takes. Its series is not counted: there are few of them.
    pub fn weight(&self) -> usize {
        let measure = match &self.measure {
            Measure::Number(_) => 0,
            Measure::Histogram(histogram) => {
                size_of::<Distribution>() + size_of::<u64>() * histogram.buckets.len()
            }
        };
        size_of::<Self>() + measure
    }
}
