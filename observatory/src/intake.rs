//! The bounded way from whoever receives to the one task that keeps.
//!
//! Its bound is in bytes. Nobody waits for room: what does not fit is refused at once, and its sender may come again.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::keep::Keep;
use crate::metric::Point;
use crate::span::Span;

/// What one request brought.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Batch {
    Spans(Vec<Span>),
    Points(Vec<Point>),
}

/// There is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the intake is full")]
pub(crate) struct Full;

/// The end at which batches go in. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Intake {
    sender: mpsc::UnboundedSender<Waiting>,
    // a permit is a byte
    room: Arc<Semaphore>,
    bytes: usize,
}

/// The end at which they come out.
#[derive(Debug)]
pub(crate) struct Outlet {
    receiver: mpsc::UnboundedReceiver<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    batch: Batch,
    // given back once the batch is kept
    _room: OwnedSemaphorePermit,
}

/// An intake with room for about so many bytes.
pub(crate) fn intake(bytes: usize) -> (Intake, Outlet) {
    let bytes = bytes.min(Semaphore::MAX_PERMITS).min(u32::MAX as usize);
    let (sender, receiver) = mpsc::unbounded_channel();
    (Intake { sender, room: Arc::new(Semaphore::new(bytes)), bytes }, Outlet { receiver })
}

impl Intake {
    /// Puts a batch in, whole or not at all: a sender that comes again brings all of it again.
    pub(crate) fn put(&self, batch: Batch) -> Result<(), Full> {
        // What is larger than all the room there is goes in when nothing else is there: it would never fit.
        let bytes = u32::try_from(batch.weight().min(self.bytes)).map_err(|_| Full)?;
        let room = self.room.clone().try_acquire_many_owned(bytes).map_err(|_| Full)?;
        // An error says that nobody keeps any longer.
        self.sender.send(Waiting { batch, _room: room }).map_err(|_| Full)
    }

    /// Bytes that wait to be kept.
    pub(crate) fn waiting(&self) -> usize {
        self.bytes.saturating_sub(self.room.available_permits())
    }
}

impl Outlet {
    /// Hands each batch on until `done`, then those that are left.
    pub(crate) async fn hand_on(mut self, keep: &dyn Keep, done: CancellationToken) {
        while let Some(Some(waiting)) = done.run_until_cancelled(self.receiver.recv()).await {
            waiting.batch.hand_on(keep);
        }
        self.receiver.close();
        while let Some(waiting) = self.receiver.recv().await {
            waiting.batch.hand_on(keep);
        }
    }
}

impl Batch {
    fn weight(&self) -> usize {
        match self {
            Self::Spans(spans) => spans.iter().map(Span::weight).sum(),
            Self::Points(points) => points.iter().map(Point::weight).sum(),
        }
    }

    fn hand_on(self, keep: &dyn Keep) {
        match self {
            Self::Spans(spans) => keep.spans(spans),
            Self::Points(points) => keep.points(points),
        }
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;
    use crate::metric::{Instrument, Measure, Series};
    use crate::span::Resource;

    #[derive(Default)]
    struct Kept(Mutex<Vec<usize>>);

    impl Keep for Kept {
        fn spans(&self, _: Vec<Span>) {}
        fn points(&self, points: Vec<Point>) {
            self.0.lock().push(points.len());
        }
    }

    fn points(count: usize) -> Batch {
        let resource = Arc::new(Resource { service: "orders".into(), attributes: Box::default() });
        let series = Arc::new(Series {
            name: "depth".into(),
            unit: "".into(),
            instrument: Instrument::Gauge,
            attributes: Box::default(),
            resource,
        });
        let point = Point { series, time: 1, since: None, measure: Measure::Number(1.0) };
        Batch::Points(vec![point; count])
    }

    #[tokio::test]
    async fn a_full_intake_refuses_and_has_room_again_once_it_is_emptied() {
        let one = points(1).weight();
        let (intake, outlet) = intake(3 * one);
        assert_eq!(intake.put(points(2)), Ok(()));
        assert_eq!(intake.put(points(2)), Err(Full));
        assert_eq!(intake.put(points(1)), Ok(()));
        assert_eq!(intake.waiting(), 3 * one);
        assert_eq!(intake.put(points(1)), Err(Full));
        let (kept, done) = (Kept::default(), CancellationToken::new());
        done.cancel();
        outlet.hand_on(&kept, done).await;
        assert_eq!(*kept.0.lock(), [2, 1]);
        assert_eq!(intake.waiting(), 0);
        assert_eq!(intake.put(points(1)), Err(Full), "nobody keeps any longer");
    }

    #[tokio::test]
    async fn what_is_larger_than_all_the_room_goes_in_alone() {
        let (intake, _outlet) = intake(3 * points(1).weight());
        assert_eq!(intake.put(points(100)), Ok(()));
        assert_eq!(intake.put(points(1)), Err(Full));
    }
}
