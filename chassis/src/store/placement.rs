//! In which of its two possible databases a module's data is, remembered from one start to the next.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::StoreError;

/// In which database a module's data is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Placement {
    /// In a database of its own
    Own,
    /// In the one that all modules share
    Shared,
}

impl Placement {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Own, Self::Shared];

    /// The word that stands for it in files and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Shared => "shared",
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|placement| placement.as_str() == text)
    }
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The placements of all modules: a file each, with one word in it. Whatever else may be said, a module's
/// data is where its file says.
#[derive(Debug, Clone)]
pub struct Placements {
    folder: PathBuf,
}

impl Placements {
    /// Those that are kept in the folder `data`.
    pub fn kept_in(data: &Path) -> Self {
        Self { folder: data.join("placements") }
    }

    /// Where the data of `module` is; nothing where that was never written down.
    pub async fn read(&self, module: &str) -> Result<Option<Placement>, StoreError> {
        let file = self.file(module);
        match tokio::fs::read_to_string(&file).await {
            Ok(text) => match Placement::from_text(text.trim_end()) {
                Some(placement) => Ok(Some(placement)),
                None => Err(StoreError::PlacementDamaged { file, text }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StoreError::Placement { file, source }),
        }
    }

    /// Writes down where the data of `module` is, all or nothing. When this returns it is on disk.
    pub async fn write(&self, module: &str, placement: Placement) -> Result<(), StoreError> {
        let (folder, file) = (self.folder.clone(), self.file(module));
        let half = folder.join(format!(".{module}.{}", std::process::id()));
        let target = file.clone();
        let written = tokio::task::spawn_blocking(move || replace(&folder, &half, &target, placement)).await;
        written
            .unwrap_or_else(|panicked| Err(io::Error::other(panicked)))
            .map_err(|source| StoreError::Placement { file, source })
    }

    fn file(&self, module: &str) -> PathBuf {
        self.folder.join(module)
    }
}

/// The new text is on disk before it gets its name, and the name before anybody relies on it.
fn replace(folder: &Path, half: &Path, target: &Path, placement: Placement) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut file = File::create(half)?;
    file.write_all(placement.as_str().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(half, target)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_written_last_is_read() {
        let data = tempfile::tempdir().expect("a folder");
        let placements = Placements::kept_in(data.path());
        assert_eq!(placements.read("orders").await.expect("reads"), None);
        for placement in [Placement::Shared, Placement::Own, Placement::Shared] {
            placements.write("orders", placement).await.expect("writes");
            assert_eq!(placements.read("orders").await.expect("reads"), Some(placement));
        }
        assert_eq!(placements.read("payments").await.expect("reads"), None);
        let left = fs::read_dir(data.path().join("placements")).expect("a folder").count();
        assert_eq!(left, 1, "no half of a file stays behind");
    }

    #[tokio::test]
    async fn a_damaged_file_is_named_and_not_guessed_at() {
        let data = tempfile::tempdir().expect("a folder");
        let placements = Placements::kept_in(data.path());
        placements.write("orders", Placement::Own).await.expect("writes");
        for damage in ["", "ow", "owned", "own shared", "OWN"] {
            fs::write(data.path().join("placements/orders"), damage).expect("writes");
            let error = placements.read("orders").await.expect_err("damaged").to_string();
            assert!(error.contains("placements/orders") && error.contains("own or shared"), "{error}");
        }
    }
}
