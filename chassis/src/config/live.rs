//! Values that change under their reader.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::section::{AnySection, Section};

/// All sections of a service as they stand; replaced as one, so that no reader sees half a change.
pub(super) struct Board {
    sections: ArcSwap<Vec<AnySection>>,
    changes: watch::Sender<()>,
}

impl Board {
    pub fn new(sections: Vec<AnySection>) -> Arc<Self> {
        Arc::new(Self { sections: ArcSwap::from_pointee(sections), changes: watch::Sender::new(()) })
    }

    pub fn get(&self) -> Arc<Vec<AnySection>> {
        self.sections.load_full()
    }

    pub fn replace(&self, sections: Vec<AnySection>) {
        self.sections.store(Arc::new(sections));
        self.changes.send_replace(());
    }
}

/// One section as it stands now. Cheap to read on every call, cheap to clone.
pub struct Live<A> {
    board: Arc<Board>,
    index: usize,
    changes: watch::Receiver<()>,
    seen: Arc<A>,
}

impl<A: Section> Live<A> {
    /// `None` where the board has another type at this place.
    pub(super) fn at(board: Arc<Board>, index: usize) -> Option<Self> {
        let changes = board.changes.subscribe();
        let seen = Arc::clone(board.get().get(index)?).downcast().ok()?;
        Some(Self { board, index, changes, seen })
    }

    /// A value that never changes: for tests, and for programs without a config server.
    pub fn fixed(value: A) -> Self {
        let seen = Arc::new(value);
        let board = Board::new(vec![seen.clone()]);
        let changes = board.changes.subscribe();
        Self { board, index: 0, changes, seen }
    }

    /// The value that holds now. Read it once per call, and the whole call sees one configuration.
    pub fn get(&self) -> Arc<A> {
        let sections = self.board.sections.load();
        let current = sections.get(self.index).and_then(|section| Arc::clone(section).downcast().ok());
        // the types at the board's places never change, so there always is one
        current.unwrap_or_else(|| Arc::clone(&self.seen))
    }

    /// Waits until the value differs from the one that this handle returned here last (at first: from
    /// the one it was made with), and returns it. Safe to drop and call again. A value that can no
    /// longer change keeps the caller waiting.
    pub async fn changed(&mut self) -> Arc<A> {
        loop {
            self.changes.mark_unchanged();
            let current = self.get();
            if !Arc::ptr_eq(&current, &self.seen) {
                self.seen = current.clone();
                return current;
            }
            if self.changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

impl<A> Clone for Live<A> {
    fn clone(&self) -> Self {
        Self {
            board: Arc::clone(&self.board),
            index: self.index,
            changes: self.changes.clone(),
            seen: Arc::clone(&self.seen),
        }
    }
}

impl<A: std::fmt::Debug + Section> std::fmt::Debug for Live<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Live").field(&self.get()).finish()
    }
}
