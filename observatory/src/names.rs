//! Words that several parts use.

use crate::span::{Kind, Text};

/// What stands for all the services, operations or addresses for which there was no place of their own.
pub const OTHERS: &str = "(others)";

/// The name under which something is kept: its own while fewer than `most` are. The others have a place besides these,
/// so that there is room again once one of these is forgotten.
pub(crate) fn admitted(name: &Text, most: usize, known: usize, is_known: impl Fn(&str) -> bool) -> Text {
    let own = known - usize::from(is_known(OTHERS));
    if is_known(name) || own < most { name.clone() } else { OTHERS.into() }
}

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
