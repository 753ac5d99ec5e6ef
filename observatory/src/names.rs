//! Words that several parts use.

use crate::span::Kind;

/// What stands for all the services, operations or addresses for which there was no place of their own.
pub const OTHERS: &str = "(others)";

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Internal, Self::Server, Self::Client, Self::Producer, Self::Consumer];

    /// As Jaeger's tag `span.kind` says it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }

    /// The kind that is called so.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}
