//! Fault injection: the process dies at a named point of a move, as `kill -9` would end it.

/// The points of a move at which a test wants to see the process die.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Stage {
    /// Nothing was done yet.
    BeforeCopy,
    /// Some of the rows are at the new place.
    MidCopy,
    /// The module is held.
    Held,
    /// Both places have the same rows.
    Compared,
    /// It is written down where the data is now.
    Flipped,
    /// The module works at the new place.
    Switched,
    /// The old place is empty.
    Tidied,
}

impl Stage {
    /// All of them, in their order.
    #[cfg(test)]
    pub const ALL: [Self; 7] = [
        Self::BeforeCopy,
        Self::MidCopy,
        Self::Held,
        Self::Compared,
        Self::Flipped,
        Self::Switched,
        Self::Tidied,
    ];

    /// Its name, as `TRADEWIND_ABORT_AT` says it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BeforeCopy => "store.move.before-copy",
            Self::MidCopy => "store.move.mid-copy",
            Self::Held => "store.move.held",
            Self::Compared => "store.move.compared",
            Self::Flipped => "store.move.flipped",
            Self::Switched => "store.move.switched",
            Self::Tidied => "store.move.tidied",
        }
    }
}

/// Where this process shall die; nowhere by default.
#[derive(Debug, Clone, Default)]
pub struct AbortAt(Option<String>);

impl AbortAt {
    /// At the point of this name, if any.
    pub fn named(point: Option<String>) -> Self {
        Self(point)
    }

    /// Where a test wants the process to die, it dies here.
    pub(super) fn pass(&self, stage: Stage) {
        if self.0.as_deref() == Some(stage.as_str()) {
            tracing::error!("aborting at {}, as TRADEWIND_ABORT_AT asks", stage.as_str());
            std::process::abort();
        }
    }
}
