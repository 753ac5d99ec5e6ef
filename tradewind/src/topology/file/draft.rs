//! What a topology file says, each thing with the line it stands on, before anybody has asked whether it makes
//! sense.

use wires::WireKind;

use crate::topology::{Database, Part, Supporting};

/// Something, and its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At<T> {
    /// What.
    pub value: T,
    /// On which line.
    pub line: usize,
}

/// A file, read. What could not be read has its default.
#[derive(Debug)]
pub(super) struct Draft {
    pub about: String,
    pub database: Database,
    pub registry: At<Supporting>,
    pub broker: At<Supporting>,
    /// The line of `[processes]`; the first where there is none.
    pub processes_line: usize,
    pub processes: Vec<DraftProcess>,
    pub wires: Vec<DraftWire>,
    /// Modules whose place is not known, because something there could not be read. Nobody may say of them that
    /// they are nowhere.
    pub unread: Vec<Part>,
}

/// A process of a file.
#[derive(Debug)]
pub(super) struct DraftProcess {
    pub name: At<String>,
    pub modules: Vec<At<Part>>,
    pub replicas: At<u16>,
}

/// A wire that a file names.
#[derive(Debug)]
pub(super) struct DraftWire {
    pub caller: Part,
    pub callee: Part,
    pub wire: WireKind,
    pub line: usize,
}

impl DraftProcess {
    /// Whether `part` is one of its modules.
    pub fn has(&self, part: Part) -> bool {
        self.modules.iter().any(|module| module.value == part)
    }

    /// Its name for people. One that is not allowed may contain anything.
    pub fn shown_name(&self) -> String {
        self.name.value.escape_debug().to_string()
    }
}

impl Draft {
    /// What stands in a file without a word in it.
    pub fn empty() -> Self {
        Self {
            about: String::new(),
            database: Database::Own,
            registry: At { value: Supporting::Runs, line: 1 },
            broker: At { value: Supporting::Runs, line: 1 },
            processes_line: 1,
            processes: Vec::new(),
            wires: Vec::new(),
            unread: Vec::new(),
        }
    }

    /// How many processes run in all.
    pub fn running(&self) -> u32 {
        self.processes.iter().map(|process| u32::from(process.replicas.value)).sum()
    }
}
