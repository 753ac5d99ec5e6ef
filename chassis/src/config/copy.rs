//! The last known good copy: what a service starts from when the config server is away.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::protocol::Effective;

/// The copy of one application's configuration, without defaults and environment: those are the
/// process's own at any time.
#[derive(Debug, Clone)]
pub(super) struct LastKnownGood {
    path: PathBuf,
}

impl LastKnownGood {
    pub fn new(data_dir: &Path, application: &str) -> Self {
        Self { path: data_dir.join("config").join(format!("{application}.json")) }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was kept, if anything readable was.
    pub async fn read(&self) -> Option<Effective> {
        let path = self.path.clone();
        let text = tokio::task::spawn_blocking(move || std::fs::read(path)).await.ok()?.ok()?;
        match serde_json::from_slice(&text) {
            Ok(effective) => Some(effective),
            Err(error) => {
                let path = self.path.display().to_string();
                tracing::warn!(path, %error, "the last known good configuration at {path} cannot be read: {error}");
                None
            }
        }
    }

    /// Keeps a configuration. Failing to is no reason to stop, and is said aloud.
    pub async fn write(&self, effective: &Effective) {
        let path = self.path.clone();
        let text = serde_json::to_vec_pretty(effective).unwrap_or_default();
        let written = tokio::task::spawn_blocking(move || replace_file(&path, &text)).await;
        if let Err(error) = written.map_err(io::Error::other).flatten() {
            let path = self.path.display().to_string();
            tracing::warn!(path, %error, "the last known good configuration could not be written to {path}: {error}");
        }
    }
}

/// Replaces a file as a whole: a crash at any moment leaves the old content or the new.
fn replace_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    // replicas may share the folder: each writes a file of its own before it renames
    let draft =
        path.with_extension(format!("json.{}.{}.tmp", std::process::id(), uuid::Uuid::new_v4().simple()));
    let mut file = File::create(&draft)?;
    let written =
        file.write_all(content).and_then(|()| file.sync_all()).and_then(|()| std::fs::rename(&draft, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&draft);
    }
    written?;
    File::open(folder)?.sync_all()
}
