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
    /// Nobody looks into the inbox: a message that comes again is acted upon again. By itself it does no
    /// harm in the simulation, since every effect is keyed by the order and every fact has one id.
    NoInbox,
    /// The same, and a refusal is forgotten: a message that comes again may get another answer.
    ForgottenRefusal,
    /// A relay marks messages as published before the broker has confirmed them.
    RelayMarksBeforeConfirm,
    /// A consumer acknowledges a message before what came of it is stored.
    AckBeforeCommit,
    /// What orders hears before its time is dropped.
    EarlyForgotten,
    /// What is said about an order's step is written after the commit, not with it.
    OutboxOutsideTransaction,
    /// A fact is said under another id each time.
    RandomFactIds,
}

impl Bug {
    /// Every one of them that shows where orders are driven by calls.
    pub const OF_CALLS: [Self; 7] = [
        Self::SkippedRelease,
        Self::SkippedVoid,
        Self::NoTombstone,
        Self::RetryWithoutKey,
        Self::ReleaseTwice,
        Self::NoCompareAndSet,
        Self::ForgottenKey,
    ];
    /// Every one of them that shows where orders are driven by messages.
    pub const OF_MESSAGES: [Self; 10] = [
        Self::SkippedRelease,
        Self::SkippedVoid,
        Self::NoTombstone,
        Self::ForgottenKey,
        Self::ForgottenRefusal,
        Self::RelayMarksBeforeConfirm,
        Self::AckBeforeCommit,
        Self::EarlyForgotten,
        Self::OutboxOutsideTransaction,
        Self::RandomFactIds,
    ];
}
