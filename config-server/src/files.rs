//! The folder of configuration files, and what to serve while one of them is broken.
//!
//! The folder is read again and again: polling works on every file system and in every container, and
//! a second or two is soon enough for a file. What a look finds changed is taken when the next look
//! finds it the same: an editor may empty a file, or take it away, before it writes it anew, and the
//! beginning of a file is often a good file, too. Of a file that cannot be used the last good content goes on
//! holding; it is kept in the data folder, so that a restart finds it, too.

mod content;
mod sighting;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chassis::config::keys;
use chassis::config::protocol::{FileState, FileStatus};
use serde_json::Value;
use sha2::{Digest, Sha256};

use self::content::{parse, read};
use self::sighting::Sighting;

/// The keys of a file.
pub type Leaves = BTreeMap<String, Value>;

/// All configuration files. Cheap to clone: a clone is refreshed while the original is being served.
#[derive(Debug, Clone)]
pub struct Files {
    folder: PathBuf,
    /// Where the last good contents are kept.
    kept: PathBuf,
    files: BTreeMap<String, Tracked>,
    /// What the last look found changed, and the next one may confirm.
    unsettled: BTreeMap<String, Sighting>,
}

/// When a look may take what it sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Take {
    AtOnce,
    /// When the look before saw the same.
    Settled,
}

#[derive(Debug, Clone)]
struct Tracked {
    seen: Sighting,
    good: Option<Arc<Good>>,
    error: Option<String>,
}

#[derive(Debug)]
struct Good {
    leaves: Leaves,
    hash: String,
}

/// A file whose served content changed; `None` where it is gone.
#[derive(Debug, PartialEq, Eq)]
pub struct FileChange {
    /// The file's name.
    pub name: String,
    /// The hash of its content.
    pub hash: Option<String>,
}

impl Files {
    /// Reads the folder. A broken file is no reason not to start; a folder that cannot be read is.
    pub fn open(folder: &Path, data_dir: &Path) -> io::Result<Self> {
        let kept = data_dir.join("files");
        std::fs::create_dir_all(&kept)?;
        let mut files =
            Self { folder: folder.to_owned(), kept, files: BTreeMap::new(), unsettled: BTreeMap::new() };
        files.look(Take::AtOnce)?;
        Ok(files)
    }

    /// The keys of a file, where there is one by this name.
    pub fn leaves(&self, name: &str) -> Option<&Leaves> {
        Some(&self.files.get(name)?.good.as_ref()?.leaves)
    }

    /// Every served file with the hash of its content.
    pub fn hashes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter_map(|(name, file)| Some((name.as_str(), file.good.as_ref()?.hash.as_str())))
    }

    /// The names of all served files, without `.toml`.
    pub fn stems(&self) -> impl Iterator<Item = &str> {
        self.hashes().filter_map(|(name, _)| name.strip_suffix(".toml"))
    }

    /// How each file is doing.
    pub fn status(&self) -> Vec<FileStatus> {
        let state = |file: &Tracked| match (&file.error, &file.good) {
            (None, _) => FileState::Good,
            (Some(_), Some(_)) => FileState::LastKnownGood,
            (Some(_), None) => FileState::Ignored,
        };
        let one = |(name, file): (&String, &Tracked)| FileStatus {
            name: name.clone(),
            state: state(file),
            error: file.error.clone(),
        };
        self.files.iter().map(one).collect()
    }

    /// Looks for files that changed, came or went, and tells whose served content did. A change is
    /// taken by the second look in a row that sees it.
    pub fn refresh(&mut self) -> io::Result<Vec<FileChange>> {
        self.look(Take::Settled)
    }

    fn look(&mut self, take: Take) -> io::Result<Vec<FileChange>> {
        let mut names: BTreeSet<String> = self.files.keys().cloned().collect();
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            if let Ok(name) = entry.file_name().into_string()
                && name.strip_suffix(".toml").is_some_and(|stem| keys::check_name("file", stem).is_ok())
            {
                names.insert(name);
            }
        }
        let before = std::mem::take(&mut self.unsettled);
        let mut changes = Vec::new();
        for name in names {
            let path = self.folder.join(&name);
            let seen = Sighting::of(&path);
            if seen == self.files.get(&name).map_or(Sighting::Absent, |known| known.seen) {
                continue;
            }
            if take == Take::Settled && before.get(&name) != Some(&seen) {
                self.unsettled.insert(name, seen);
                continue;
            }
            if seen == Sighting::Absent {
                changes.extend(self.forget(name));
                continue;
            }
            let content = read(&path, seen);
            let still = Sighting::of(&path);
            if take == Take::Settled && still != seen {
                // it changed under the reader's eyes
                self.unsettled.insert(name, still);
                continue;
            }
            changes.extend(self.take(name, &path, seen, content));
        }
        Ok(changes)
    }

    fn forget(&mut self, name: String) -> Option<FileChange> {
        tracing::info!(file = name, "configuration file {name} is gone");
        let _ = std::fs::remove_file(self.kept.join(&name));
        let was_served = self.files.remove(&name)?.good.is_some();
        was_served.then_some(FileChange { name, hash: None })
    }

    fn take(
        &mut self,
        name: String,
        path: &Path,
        seen: Sighting,
        content: Result<String, String>,
    ) -> Option<FileChange> {
        let read = content.and_then(|text| Ok((parse(&text)?, text)));
        let known = self.files.remove(&name);
        let known_error = known.as_ref().and_then(|known| known.error.clone());
        let before = known.as_ref().and_then(|known| Some(known.good.as_ref()?.hash.clone()));
        let tracked = match read {
            Ok((leaves, text)) => {
                let hash = hash_of(&text);
                if before.as_ref() != Some(&hash) {
                    self.keep(&name, &text);
                }
                Tracked { seen, good: Some(Arc::new(Good { leaves, hash })), error: None }
            }
            Err(error) => {
                let good = known.and_then(|known| known.good).or_else(|| self.kept_content(&name));
                let instead = if good.is_some() {
                    "ITS LAST KNOWN GOOD CONTENT HOLDS"
                } else {
                    "IT IS IGNORED: there is no good content of it"
                };
                if known_error.as_ref() != Some(&error) {
                    let path = path.display().to_string();
                    tracing::error!(
                        path,
                        error,
                        "configuration file {path} CANNOT BE USED; {instead}: {error}"
                    );
                }
                Tracked { seen, good, error: Some(error) }
            }
        };
        let hash = tracked.good.as_ref().map(|good| good.hash.clone());
        self.files.insert(name.clone(), tracked);
        (hash != before).then_some(FileChange { name, hash })
    }

    /// Keeps a good content for the day that the file breaks.
    fn keep(&self, name: &str, text: &str) {
        let draft = self.kept.join(format!("{name}.tmp"));
        let kept = std::fs::write(&draft, text).and_then(|()| std::fs::rename(&draft, self.kept.join(name)));
        if let Err(error) = kept {
            tracing::warn!(file = name, %error, "the good content of {name} could not be kept: {error}");
        }
    }

    fn kept_content(&self, name: &str) -> Option<Arc<Good>> {
        let text = std::fs::read_to_string(self.kept.join(name)).ok()?;
        Some(Arc::new(Good { leaves: parse(&text).ok()?, hash: hash_of(&text) }))
    }
}

fn hash_of(text: &str) -> String {
    Sha256::digest(text).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    struct Folders {
        files: tempfile::TempDir,
        data: tempfile::TempDir,
    }

    impl Folders {
        fn new() -> Self {
            Self {
                files: tempfile::tempdir().expect("a folder"),
                data: tempfile::tempdir().expect("a folder"),
            }
        }

        fn write(&self, name: &str, text: &str) {
            let draft = self.files.path().join("draft");
            std::fs::write(&draft, text).expect("written");
            std::fs::rename(draft, self.files.path().join(name)).expect("renamed");
        }

        fn remove(&self, name: &str) {
            std::fs::remove_file(self.files.path().join(name)).expect("removed");
        }

        fn open(&self) -> Files {
            Files::open(self.files.path(), self.data.path()).expect("opens")
        }
    }

    /// What two looks find: the first sees it, the second takes it.
    fn settled(files: &mut Files) -> Vec<FileChange> {
        assert_eq!(files.refresh().expect("reads"), [], "nothing is taken at first sight");
        files.refresh().expect("reads")
    }

    fn lease(files: &Files) -> Option<&Value> {
        files.leaves("orders.toml")?.get("saga.lease_ms")
    }

    fn states(files: &Files) -> Vec<(String, FileState)> {
        files.status().into_iter().map(|status| (status.name, status.state)).collect()
    }

    #[test]
    fn a_file_that_breaks_keeps_its_last_good_content_even_over_a_restart() {
        let folders = Folders::new();
        folders.write("orders.toml", "[saga]\nlease_ms = 1");
        let mut files = folders.open();
        folders.write("orders.toml", "[saga\nlease_ms = 22");
        assert_eq!(settled(&mut files), [], "what is served did not change");
        for files in [files, folders.open()] {
            assert_eq!(states(&files), [("orders.toml".to_owned(), FileState::LastKnownGood)]);
            assert_eq!(
                files.leaves("orders.toml"),
                Some(&Leaves::from([("saga.lease_ms".to_owned(), json!(1))]))
            );
            assert!(
                files.status()[0].error.as_ref().is_some_and(|error| error.contains("line 1")),
                "{files:?}"
            );
        }
    }

    #[test]
    fn a_file_that_was_never_good_is_ignored_and_the_rest_is_served() {
        let folders = Folders::new();
        folders.write("orders.toml", "= nonsense");
        folders.write("catalog.toml", "[page]\nsize = 10");
        let files = folders.open();
        assert_eq!(
            states(&files),
            [("catalog.toml".to_owned(), FileState::Good), ("orders.toml".to_owned(), FileState::Ignored)]
        );
        assert!(files.leaves("orders.toml").is_none() && files.leaves("catalog.toml").is_some());
    }

    #[test]
    fn changes_arrivals_and_departures_are_noticed_once() {
        let folders = Folders::new();
        folders.write("a.toml", "[x]\ny = 1");
        let mut files = folders.open();
        folders.write("a.toml", "[x]\ny = 22");
        folders.write("b.toml", "[x]\ny = 3");
        let names =
            |changes: Vec<FileChange>| changes.into_iter().map(|change| change.name).collect::<Vec<_>>();
        assert_eq!(names(settled(&mut files)), ["a.toml", "b.toml"]);
        assert_eq!(names(files.refresh().expect("reads")), [""; 0]);
        folders.remove("a.toml");
        assert_eq!(settled(&mut files), [FileChange { name: "a.toml".into(), hash: None }]);
    }

    #[test]
    fn a_file_caught_in_the_middle_of_a_save_neither_holds_nor_replaces_its_good_copy() {
        let folders = Folders::new();
        let whole = "[saga]\nlease_ms = 12345";
        folders.write("orders.toml", whole);
        let mut files = folders.open();
        for halfway in ["", "[saga]\nlease_ms = 1"] {
            folders.write("orders.toml", halfway);
            assert_eq!(files.refresh().expect("reads"), []);
            assert_eq!(lease(&files), Some(&json!(12345)));
            folders.write("orders.toml", whole);
            assert_eq!(settled(&mut files), [], "the content is the old one");
        }
        folders.remove("orders.toml");
        assert_eq!(files.refresh().expect("reads"), []);
        folders.write("orders.toml", "nonsense");
        assert_eq!(settled(&mut files), []);
        assert_eq!(states(&files), [("orders.toml".to_owned(), FileState::LastKnownGood)]);
        assert_eq!(lease(&folders.open()), Some(&json!(12345)), "the kept copy is whole");
    }

    #[test]
    fn a_secret_in_the_open_makes_a_file_unusable_without_repeating_it() {
        let folders = Folders::new();
        folders.write("orders.toml", "[db]\npassword = \"hunter2\"");
        let status = folders.open().status();
        assert_eq!(status[0].state, FileState::Ignored);
        assert!(!status[0].error.as_ref().expect("an error").contains("hunter2"));
    }
}
