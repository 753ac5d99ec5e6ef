//! The folder of mails, one file each. A file is there whole or not at all, and survives whatever
//! happens once it is there.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use uuid::Uuid;

use super::eml;

/// What an unfinished file's name ends with. It begins with a dot.
const UNFINISHED: &str = ".tmp";
/// After this time an unfinished file is what a crash left behind.
const ABANDONED_AFTER: Duration = Duration::from_secs(3600);

/// The folder.
#[derive(Debug, Clone)]
pub struct Outbox {
    folder: PathBuf,
}

impl Outbox {
    /// The outbox in `folder`, which is made when the first mail comes.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Writes a mail's file. Where a file of that name is already, it is left as it is.
    pub async fn put(&self, name: String, bytes: Vec<u8>) -> io::Result<()> {
        let folder = self.folder.clone();
        blocking(move || put(&folder, &name, &bytes)).await
    }

    /// Removes the oldest files beyond the newest `keep`, and what crashes left behind. Touches no file
    /// that is not of our making.
    pub async fn prune(&self, keep: u32) -> io::Result<()> {
        let folder = self.folder.clone();
        blocking(move || prune(&folder, keep as usize)).await
    }
}

impl fmt::Display for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.folder.display().fmt(f)
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|panicked| Err(io::Error::other(panicked)))
}

fn put(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let path = folder.join(name);
    if !path.try_exists()? {
        fs::create_dir_all(folder)?;
        // a name of its own: two replicas may write the same mail at the same time
        let unfinished = folder.join(format!(".{name}.{}{UNFINISHED}", Uuid::new_v4()));
        let written = write(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, &path));
        if let Err(error) = written {
            // it is removed with the abandoned ones, if not now
            let _ = fs::remove_file(&unfinished);
            return Err(error);
        }
    }
    // the name is not safe before the folder is; a crash may have come between the two
    File::open(folder)?.sync_all()
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn prune(folder: &Path, keep: usize) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    let mut mails = Vec::new();
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if eml::is_file_name(&name) {
            mails.push(name);
        } else if is_unfinished(&name) && is_abandoned(&entry) {
            remove(&entry.path())?;
        }
    }
    mails.sort_unstable();
    let excess = mails.len().saturating_sub(keep);
    mails.iter().take(excess).try_for_each(|name| remove(&folder.join(name)))
}

/// `.NAME.ID.tmp`, where NAME is the name of a mail's file.
fn is_unfinished(name: &str) -> bool {
    let inner = name.strip_prefix('.').and_then(|rest| rest.strip_suffix(UNFINISHED));
    let parts = inner.and_then(|inner| inner.rsplit_once('.'));
    parts.is_some_and(|(mail, id)| eml::is_file_name(mail) && Uuid::try_parse(id).is_ok())
}

fn is_abandoned(entry: &fs::DirEntry) -> bool {
    let modified = entry.metadata().and_then(|metadata| metadata.modified());
    let age = modified.ok().and_then(|then| SystemTime::now().duration_since(then).ok());
    age.is_some_and(|age| age > ABANDONED_AFTER)
}

/// Removes a file, unless another replica was faster.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: u8) -> String {
        format!("20261122T180542.0000{number:02}Z-{}.eml", Uuid::from_u128(u128::from(99 - number)))
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder").flatten();
        let mut names: Vec<_> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn a_file_that_is_there_is_left_as_it_is() {
        let data = tempfile::tempdir().expect("a folder");
        let folder = data.path().join("deep/outbox");
        let outbox = Outbox::new(folder.clone());
        outbox.prune(1).await.expect("a folder that is not there is empty");
        outbox.put(name(1), b"first".to_vec()).await.expect("writes");
        outbox.put(name(1), b"second".to_vec()).await.expect("changes nothing");
        assert_eq!(names(&folder), [name(1)], "and nothing is left beside it");
        assert_eq!(fs::read(folder.join(name(1))).expect("is there"), b"first");
    }

    #[tokio::test]
    async fn the_newest_are_kept_and_what_is_not_ours() {
        let data = tempfile::tempdir().expect("a folder");
        let outbox = Outbox::new(data.path().to_owned());
        fs::write(data.path().join("notes.eml"), "mine").expect("writes");
        for number in [5, 1, 4, 2, 3] {
            outbox.put(name(number), Vec::new()).await.expect("writes");
        }
        outbox.prune(2).await.expect("prunes");
        assert_eq!(names(data.path()), [name(4), name(5), "notes.eml".into()]);
    }

    #[tokio::test]
    async fn what_a_crash_left_behind_goes_when_it_is_old() {
        let data = tempfile::tempdir().expect("a folder");
        let abandoned = data.path().join(format!(".{}.{}{UNFINISHED}", name(1), Uuid::new_v4()));
        let under_way = data.path().join(format!(".{}.{}{UNFINISHED}", name(2), Uuid::new_v4()));
        let foreign = data.path().join(".mine.tmp");
        let long_ago = SystemTime::now() - ABANDONED_AFTER - Duration::from_secs(60);
        for (path, age) in [(&abandoned, Some(long_ago)), (&under_way, None), (&foreign, Some(long_ago))] {
            let file = File::create(path).expect("writes");
            if let Some(then) = age {
                file.set_modified(then).expect("is made old");
            }
        }
        Outbox::new(data.path().to_owned()).prune(1).await.expect("prunes");
        assert!(!abandoned.exists() && under_way.exists() && foreign.exists());
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_is_an_error() {
        let data = tempfile::tempdir().expect("a folder");
        let file = data.path().join("file");
        fs::write(&file, "").expect("writes");
        assert!(Outbox::new(file).put(name(1), Vec::new()).await.is_err());
    }
}
