//! What a look shows of a file without reading it.

use std::io;
use std::path::Path;
use std::time::SystemTime;

/// What a look shows of a file without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sighting {
    Absent,
    /// It is there, and the file system says no more about it.
    Opaque,
    Stamped {
        modified: SystemTime,
        size: u64,
    },
}

impl Sighting {
    pub fn of(path: &Path) -> Self {
        let stamp = std::fs::metadata(path).and_then(|metadata| Ok((metadata.modified()?, metadata.len())));
        match stamp {
            Ok((modified, size)) => Self::Stamped { modified, size },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::Absent,
            Err(_) => Self::Opaque,
        }
    }
}
