//! From OTLP's messages to spans and points: what is kept of them, and what is refused.
//!
//! - `spans`, `points`: each kind of thing
//! - `attributes`: attributes and resources
//! - `nested`: lists and maps among their values
//! - `texts`, `shelf`: what is the same is one
//! - `notes`: what was left out, in words

mod attributes;
mod nested;
mod notes;
mod points;
mod shelf;
mod spans;
#[cfg(test)]
mod tests;
mod texts;

use std::sync::Arc;

use parking_lot::Mutex;

use self::shelf::Shelf;
use self::texts::Texts;
use crate::limits::Limits;
use crate::metric::Series;
use crate::refused::{Reason, Refused};
use crate::span::Resource;

/// Bytes of all resources that are known: some thousands.
const RESOURCES: usize = 4 << 20;

/// Takes requests apart. It remembers names, keys, resources and series, so that equal ones are one in memory.
#[derive(Debug)]
pub(crate) struct Decoder {
    limits: Limits,
    texts: Texts,
    resources: Mutex<Shelf<Resource>>,
    series: Mutex<Shelf<Series>>,
    /// Stands for the resources for which there is no room.
    others: Arc<Resource>,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decoded<T> {
    /// What is kept of it.
    pub(crate) kept: Vec<T>,
    /// What is not.
    pub(crate) refused: Refused,
}

impl Decoder {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            texts: Texts::default(),
            resources: Mutex::new(Shelf::new(RESOURCES)),
            series: Mutex::new(Shelf::new(limits.series)),
            others: Arc::new(Resource { service: attributes::OTHERS.into(), attributes: Box::default() }),
            limits,
        }
    }

    /// Whether anything can have happened then; both are nanoseconds since 1970.
    fn timely(&self, time: u64, now: u64) -> Result<(), Reason> {
        let nanoseconds = |span: std::time::Duration| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        if time > now.saturating_add(nanoseconds(self.limits.ahead)) {
            Err(Reason::Ahead)
        } else if time < now.saturating_sub(nanoseconds(self.limits.behind)) {
            Err(Reason::Late)
        } else {
            Ok(())
        }
    }
}
