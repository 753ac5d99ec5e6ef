//! Folders: making one last, and having one alone.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use crate::error::OpenError;

/// The file whose lock says that the folder is in use.
const LOCK: &str = "lock";

/// Makes a folder where there is none, and those that it is in, so that they survive a power cut.
pub(crate) fn make(folder: &Path) -> Result<(), OpenError> {
    create(folder).map_err(|error| OpenError::Folder(folder.to_owned(), error))
}

fn create(folder: &Path) -> io::Result<()> {
    let parent = match folder.parent() {
        None => return Ok(()),
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
    };
    if !folder.is_dir() {
        create(parent)?;
        fs::create_dir(folder)?;
    }
    // also where it is there already: whoever made it may have died before this
    sync(parent)
}

/// Makes last what was created and deleted in a folder.
pub(crate) fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Keeps every other broker out of a folder, until it is dropped or the process ends.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    /// Locks a folder.
    pub fn take(folder: &Path) -> Result<Self, OpenError> {
        let unusable = |error| OpenError::Folder(folder.to_owned(), error);
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(folder.join(LOCK));
        let file = file.map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse(folder.to_owned())),
            Err(TryLockError::Error(error)) => Err(unusable(error)),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // closing is not enough while a process that is being started still has a copy of the file
        let _ = self.file.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A process that was just started had copies of all open files for a moment, and a broker that was opened
    /// again in that moment found its folder in use.
    #[test]
    fn a_folder_is_free_at_once_also_where_a_copy_of_the_lock_file_is_open() {
        let folder = tempfile::tempdir().unwrap();
        let lock = Lock::take(folder.path()).unwrap();
        let copy = lock.file.try_clone().unwrap();
        assert!(matches!(Lock::take(folder.path()), Err(OpenError::InUse(_))));
        drop(lock);
        assert!(Lock::take(folder.path()).is_ok());
        drop(copy);
    }

    #[test]
    fn a_folder_is_made_with_all_that_it_is_in_and_may_be_there_already() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("one/two");
        make(&deep).unwrap();
        make(&deep).unwrap();
        assert!(deep.is_dir());
        let below_a_file = deep.join("file/folder");
        fs::write(deep.join("file"), b"").unwrap();
        assert!(matches!(make(&below_a_file), Err(OpenError::Folder(named, _)) if named == below_a_file));
    }
}
