//! What migrations must not do: tables that an older version uses stay good enough for it.

use std::path::{Path, PathBuf};

use super::sources::{files, read, shown};

/// The folders of migrations, by their name. Tables of messages are made in code, and have the same test there.
const FOLDER: &str = "migrations";

/// The migrations of the workspace at `root`.
pub(super) fn all(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut all = files(root, "sql")?;
    all.retain(|file| file.parent().is_some_and(|folder| folder.ends_with(FOLDER)));
    Ok(all)
}

/// What in them an older version could not bear.
pub(super) fn contractions(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for file in all(root)? {
        let refused = testkit::contractions(&read(&file)?);
        found.extend(refused.into_iter().map(|what| format!("{}: {what}", shown(root, &file))));
    }
    Ok(found)
}
