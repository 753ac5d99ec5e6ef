//! Faults planted on purpose: a simulation that does not find them proves nothing.

/// A mistake that developers of sagas make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// A compensation is answered, but not done: stock stays claimed.
    SkippedRelease,
    /// A compensation is answered, but not done: the amount stays held, or a late hold stands.
    SkippedVoid,
    /// A release for an order not seen before leaves no tombstone, so a late reservation stands.
    NoTombstone,
    /// A call to the card network is repeated under a new key, so it charges again.
    RetryWithoutKey,
    /// A second release gives the goods back a second time.
    ReleaseTwice,
    /// An order's step is stored without looking at its version, so that two drivers overwrite each other.
    NoCompareAndSet,
    /// Idempotency keys are not stored, so that a repeated request orders again.
    ForgottenKey,
}

impl Bug {
    /// Every one of them.
    pub const ALL: [Self; 7] = [
        Self::SkippedRelease,
        Self::SkippedVoid,
        Self::NoTombstone,
        Self::RetryWithoutKey,
        Self::ReleaseTwice,
        Self::NoCompareAndSet,
        Self::ForgottenKey,
    ];
}
